-- What Stripe sends names its customers: e-mail address, name, address. Once an event is settled only people look at that, and not for ever. The row
-- stays, because its id is what makes an event count once.
create index stripe_events_payloads on stripe_events (settled_at) where payload <> '';

-- The only change of a payload. Whoever calls it, Stripe's own 30 days are over, and what waits is untouched.
create function empty_payloads(p_settled_before timestamptz, p_most int) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_emptied int;
begin
  update stripe_events set payload = '' where id in (
    select e.id from stripe_events e
    where e.settled_at < least(p_settled_before, now() - interval '30 days') and e.payload <> ''
    order by e.settled_at limit p_most for update skip locked);
  get diagnostics v_emptied = row_count;
  return v_emptied;
end $$;
revoke all on function empty_payloads from public;
grant execute on function empty_payloads to ${app};
