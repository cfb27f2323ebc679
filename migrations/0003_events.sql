-- What happened to each job, in order, for people: states entered and wishes taken.
create table event (
  id integer primary key,
  job text not null references job (id) on delete cascade,
  at integer not null,
  type text not null,
  detail text not null
) strict;

create index event_by_job on event (job, id);
