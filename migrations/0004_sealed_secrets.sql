-- How the connection strings in a job's definition are kept: plain (written before there was a key), traces (sealed, but their old bytes may still be in the file), sealed.
alter table job add column secrets text not null default 'plain' check (secrets in ('plain', 'traces', 'sealed'));
