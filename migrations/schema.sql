CREATE TABLE job (
  id text primary key check (length(id) between 1 and 63),
  uid text,
  spec text not null check (json_valid(spec)),
  state text not null check (state in ('pending', 'blocked', 'running', 'pausing', 'paused', 'canceling', 'canceled', 'succeeded', 'failed')),
  wish text check (wish in ('cancel')),
  problem text check (problem is null or json_valid(problem)),
  progress text,
  revision integer not null default 0 check (revision >= 0),
  created_at integer not null,
  ended_at integer, secrets text not null default 'plain' check (secrets in ('plain', 'traces', 'sealed')),
  check ((ended_at is null) = (state not in ('canceled', 'succeeded', 'failed')))
) strict, without rowid;

CREATE INDEX job_by_age on job (created_at desc, id desc);

CREATE TABLE idempotency (
  key text primary key check (length(key) between 1 and 255),
  fingerprint text not null,
  job text not null references job (id) on delete cascade,
  answer text,
  created_at integer not null
) strict, without rowid;

CREATE INDEX idempotency_by_age on idempotency (created_at);

CREATE TABLE mirror_job (
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

CREATE TABLE mirror_table (
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

CREATE TABLE mirror_block (
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

CREATE INDEX mirror_block_by_state on mirror_block (job, state, id);

CREATE TABLE event (
  id integer primary key,
  job text not null references job (id) on delete cascade,
  at integer not null,
  type text not null,
  detail text not null
) strict;

CREATE INDEX event_by_job on event (job, id);

