-- A hold or a settlement changes only figures of a grant. While no index mentions them, not even in its predicate, PostgreSQL updates the
-- row in place (HOT) and touches no index; with "where remaining > 0" each update left dead entries in all of them.
alter table grants add column has_remaining boolean not null generated always as (remaining > 0) stored;

drop index grants_usable, grants_due;
create index grants_usable on grants (account_id, usable_until);
create index grants_due on grants (usable_until) where has_remaining and frozen_at is null;

-- Expires what is due on up to p_limit accounts that nobody else is working on.
create or replace function expire_due(p_limit int, p_now timestamptz, out accounts int, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_expired int;
begin
  accounts := 0;
  expired := 0;
  for v_account in
    select a.id from accounts a
    where a.id in (
      select g.account_id from grants g where g.has_remaining and g.frozen_at is null and g.usable_until <= p_now
      order by g.usable_until limit p_limit)
    for no key update skip locked
  loop
    v_expired := expire_grants(v_account, p_now);
    if v_expired > 0 then
      perform tell_credits_changed(v_account, null);
      accounts := accounts + 1;
      expired := expired + v_expired;
    end if;
  end loop;
end $$;

-- What every entry calls, in plpgsql: it keeps its plans for the session, where a function in plain SQL is parsed and planned again in each transaction.
create or replace function uuid_v7(p_at timestamptz) returns uuid
language plpgsql volatile as $$
begin
  return encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) placing substring(int8send(floor(extract(epoch from p_at) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid;
end $$;

create or replace function write_entry(
  p_account uuid, p_grant uuid, p_order uuid, p_job uuid, p_kind text, p_amount int, p_quantity int, p_actor text, p_reason text, p_now timestamptz)
returns void
language plpgsql volatile as $$
begin
  insert into ledger_entries (id, account_id, grant_id, order_id, job_id, kind, amount, quantity, balance_after, actor, reason, at)
  values (uuid_v7(p_now), p_account, p_grant, p_order, p_job, p_kind, p_amount, p_quantity,
    coalesce((select sum(g.remaining) from grants g where g.account_id = p_account and g.remaining > 0), 0), p_actor, p_reason, p_now);
end $$;

create or replace function tell_credits_changed(p_account uuid, p_trace_parent text) returns void
language plpgsql volatile as $$
begin
  insert into outbox (message_type, body, trace_parent)
  values ('CreditsChanged', jsonb_build_object('accountId', p_account), p_trace_parent);
end $$;
