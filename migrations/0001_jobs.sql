-- Jobs that this server was given, and the keys that make submitting one safe to repeat: what must outlive a restart.
create table job (
  id text primary key check (length(id) between 1 and 63),
  uid text,
  spec text not null check (json_valid(spec)),
  state text not null check (state in ('pending', 'blocked', 'running', 'pausing', 'paused', 'canceling', 'canceled', 'succeeded', 'failed')),
  wish text check (wish in ('cancel')),
  problem text check (problem is null or json_valid(problem)),
  progress text,
  revision integer not null default 0 check (revision >= 0),
  created_at integer not null,
  ended_at integer,
  check ((ended_at is null) = (state not in ('canceled', 'succeeded', 'failed')))
) strict, without rowid;

create index job_by_age on job (created_at desc, id desc);

create table idempotency (
  key text primary key check (length(key) between 1 and 255),
  fingerprint text not null,
  job text not null references job (id) on delete cascade,
  answer text,
  created_at integer not null
) strict, without rowid;

create index idempotency_by_age on idempotency (created_at);
