-- Stagings that are over, for the end of the time for which they are kept; and old events, which the service removes by itself.
create index jobs_ended on jobs (finished_at) where due_at is null and deleted_at is null;
grant delete on events to ${app};
