-- An event is a few kB of JSON, which PostgreSQL packs while the webhook waits: lz4 takes a tenth of the default's time for a little more room.
-- A server that was built without it keeps its default.
do $$
begin
  alter table stripe_events alter column payload set compression lz4;
exception when feature_not_supported then
  null;
end
$$;
