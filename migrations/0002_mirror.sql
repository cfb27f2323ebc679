-- A mirror of each job's journal for questions that need an index. The lake is the truth: these tables may be dropped and rebuilt.
create table mirror_job (
  job text primary key references job (id) on delete cascade,
  seq integer not null check (seq > 0),
  epoch integer not null,
  iteration integer not null,
  state text not null,
  tables integer not null check (tables >= 0),
  tables_done integer not null check (tables_done between 0 and tables),
  rows_done integer not null check (rows_done >= 0),
  blocks_done integer not null check (blocks_done >= 0),
  retried integer not null,
  lake_bytes integer not null
) strict, without rowid;

create table mirror_table (
  job text not null references mirror_job (job) on delete cascade,
  name text not null,
  state text not null check (state in ('waiting', 'running', 'done', 'failed')),
  format text not null,
  plan_done integer not null check (plan_done in (0, 1)),
  rows_planned integer not null,
  blocks_planned integer not null,
  rows_finished integer not null,
  blocks_finished integer not null,
  blocks_live integer not null check (blocks_live >= 0),
  blocks_failed integer not null check (blocks_failed between 0 and blocks_live),
  problem_code text,
  problem_detail text,
  primary key (job, name)
) strict, without rowid;

create table mirror_block (
  job text not null references mirror_job (job) on delete cascade,
  id integer not null check (id > 0),
  table_name text not null,
  iteration integer not null,
  state text not null,
  rows integer not null,
  export_attempt integer not null,
  ingest_attempt integer not null,
  failures integer not null,
  problem_code text,
  problem_detail text,
  primary key (job, id)
) strict, without rowid;

create index mirror_block_by_state on mirror_block (job, state, id);
