-- Money that goes back, and credits that stand still meanwhile.

-- SHA-256 of the order's restore code; opens the account elsewhere while it has no identity.
alter table grants add column restore_code_hash text;
create index grants_restore_code on grants (restore_code_hash) where restore_code_hash is not null;

-- A frozen account: all its grants are frozen, and those that come later.
alter table accounts add column frozen boolean not null default false;
alter table grants add constraint known_freeze_reasons check (frozen_reasons <@ array['dispute', 'support']);

-- Grant and adjustment of one order may arrive at the same time on different accounts' locks, or before there is an account: this lock
-- makes one of them see the other. Always taken before an account's, and for one order in a transaction.
create function lock_order(p_order uuid) returns void
language sql volatile as $$ select pg_advisory_xact_lock(hashtextextended(p_order::text, 0)) $$;

-- The end of grace of a grant that credits come back to: 24 h if its own end is over, by its own clock, which stands still while frozen.
create function grace_of_returned(p_grant grants, p_now timestamptz) returns timestamptz
language sql immutable as $$
  select case when p_grant.expires_at <= coalesce(p_grant.frozen_at, p_now)
    then greatest(p_grant.grace_until, coalesce(p_grant.frozen_at, p_now) + interval '24 hours')
    else p_grant.grace_until end
$$;

-- Takes back what belongs to returned money, or gives back what no longer does: T = ceil(credits * returned / paid), as far as it is not
-- used, held or gone otherwise. Called whenever the adjustment or what is left of the grant changes. Returns what remaining changed by.
create function apply_adjustment(p_account uuid, p_grant uuid, p_now timestamptz) returns int
language plpgsql as $$
declare
  v_grant grants;
  v_said payment_adjustments;
  v_target int := 0;
  v_change int;
begin
  select * into v_grant from grants g where g.id = p_grant;
  select * into v_said from payment_adjustments a where a.order_id = v_grant.order_id;
  if not found then
    return 0;
  end if;
  if v_said.amount_paid > 0 then
    v_target := (v_grant.credits * v_said.amount_returned + v_said.amount_paid - 1) / v_said.amount_paid;
  end if;
  v_change := v_grant.revoked_by_payment - least(v_target, v_grant.remaining + v_grant.revoked_by_payment);
  if v_change <> 0 then
    update grants g set
      remaining = g.remaining + v_change,
      revoked_by_payment = g.revoked_by_payment - v_change,
      grace_until = case when v_change > 0 then grace_of_returned(g, p_now) else g.grace_until end
    where g.id = p_grant;
    perform write_entry(p_account, p_grant, v_grant.order_id, null,
      case when v_change < 0 then 'revoke' else 'restore' end, v_change, abs(v_change), 'billing', 'refund', p_now);
  end if;
  return v_change;
end $$;

-- Adds or removes one reason for freezing a grant. The last one that goes thaws it: what of its time was left when it froze is left now.
create function set_frozen(p_account uuid, p_grant uuid, p_reason text, p_frozen boolean, p_actor text, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_grant grants;
  v_stood interval;
begin
  select * into v_grant from grants g where g.id = p_grant;
  if p_frozen = (p_reason = any (v_grant.frozen_reasons)) then
    return;
  end if;
  if p_frozen then
    update grants g set frozen_reasons = g.frozen_reasons || p_reason, frozen_at = coalesce(g.frozen_at, p_now) where g.id = p_grant;
  elsif cardinality(v_grant.frozen_reasons) > 1 then
    update grants g set frozen_reasons = array_remove(g.frozen_reasons, p_reason) where g.id = p_grant;
    return;
  else
    v_stood := greatest(p_now - v_grant.frozen_at, interval '0');
    update grants g set
      frozen_reasons = '{}',
      frozen_at = null,
      -- What was over before it froze stays over.
      expires_at = case when g.expires_at > g.frozen_at then g.expires_at + v_stood else g.expires_at end,
      grace_until = case when g.grace_until > g.frozen_at then g.grace_until + v_stood else g.grace_until end
    where g.id = p_grant;
  end if;
  if not p_frozen or v_grant.frozen_at is null then
    perform write_entry(p_account, p_grant, v_grant.order_id, null,
      case when p_frozen then 'freeze' else 'thaw' end, 0, v_grant.remaining, p_actor, p_reason, p_now);
  end if;
end $$;

-- Brings a grant of a locked account in line with what billing last said of its order. Returns what remaining changed by.
create function follow_adjustment(p_account uuid, p_grant uuid, p_now timestamptz) returns int
language plpgsql as $$
declare
  v_open boolean;
  v_change int := apply_adjustment(p_account, p_grant, p_now);
begin
  select a.dispute_open into v_open from payment_adjustments a join grants g on g.order_id = a.order_id where g.id = p_grant;
  if found then
    perform set_frozen(p_account, p_grant, 'dispute', v_open, 'billing', p_now);
  end if;
  return v_change;
end $$;

-- Freezes a grant that comes while its account is frozen.
create function follow_account(p_account uuid, p_grant uuid, p_now timestamptz) returns void
language plpgsql as $$
begin
  if (select a.frozen from accounts a where a.id = p_account) then
    perform set_frozen(p_account, p_grant, 'support', true, 'system', p_now);
  end if;
end $$;

-- Grants what an order paid for, once for each order, and applies at once what billing said of the order earlier. granted is 0 when it
-- was granted before; revoked is what of it was taken back at once.
drop function apply_payment;
create function apply_payment(
  p_grant uuid, p_account uuid, p_order uuid, p_plan text, p_credits int, p_expires_at timestamptz, p_now timestamptz, p_trace_parent text,
  p_restore_code_hash text default null, out granted int, out revoked int, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  perform lock_order(p_order);
  v_account := lock_account(p_account, p_now);
  revoked := 0;
  expired := expire_grants(v_account, p_now);
  insert into grants (id, account_id, order_id, source, plan, credits, remaining, granted_at, expires_at, restore_code_hash)
  values (p_grant, v_account, p_order, 'purchase', p_plan, p_credits, p_credits, p_now, p_expires_at, p_restore_code_hash)
  on conflict (order_id) do nothing;
  granted := case when found then p_credits else 0 end;
  if granted > 0 then
    perform write_entry(v_account, p_grant, p_order, null, 'grant', granted, granted, 'billing', 'purchase', p_now);
    revoked := -follow_adjustment(v_account, p_grant, p_now);
    perform follow_account(v_account, p_grant, p_now);
    -- Paid so long ago that it is over already: both facts are on the statement.
    expired := expired + expire_grants(v_account, p_now);
  end if;
  if granted + expired > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
end $$;

-- Keeps what billing says of an order's money, the newest revision only, and applies it if its grant is here. result is
--   applied             to the grant, now
--   kept                for the grant, which is not here yet
--   stale               the same or a newer revision was kept before
create function adjust_payment(
  p_order uuid, p_paid bigint, p_returned bigint, p_dispute_open boolean, p_revision bigint, p_now timestamptz, p_trace_parent text,
  out result text, out revoked int, out restored int, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_grant uuid;
  v_change int;
begin
  perform lock_order(p_order);
  revoked := 0; restored := 0; expired := 0;
  select g.id, lock_account(g.account_id, p_now) into v_grant, v_account from grants g where g.order_id = p_order;

  insert into payment_adjustments as kept (order_id, amount_paid, amount_returned, dispute_open, revision, received_at)
  values (p_order, p_paid, p_returned, p_dispute_open, p_revision, p_now)
  on conflict (order_id) do update set
    amount_paid = excluded.amount_paid, amount_returned = excluded.amount_returned, dispute_open = excluded.dispute_open,
    revision = excluded.revision, received_at = excluded.received_at
  where kept.revision < excluded.revision;
  if not found then
    result := 'stale';
  elsif v_grant is null then
    result := 'kept';
  else
    result := 'applied';
    expired := expire_grants(v_account, p_now);
    v_change := follow_adjustment(v_account, v_grant, p_now);
    revoked := greatest(-v_change, 0);
    restored := greatest(v_change, 0);
    expired := expired + expire_grants(v_account, p_now);
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
end $$;

-- Ends a hold, once: captures what was used, in burn order, gives back the rest, and takes of that what belongs to returned money.
-- result is
--   settled             now
--   repeated            it was settled before with the same figures
--   contradicted        it was settled before with other figures, which stand
--   before_hold         there is no hold: remembered, so that none is taken any more
create or replace function settle_hold(
  p_account uuid, p_job uuid, p_credits_used int, p_outcome text, p_now timestamptz, p_trace_parent text,
  out result text, out captured int, out released int, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_hold holds;
  v_part record;
  v_captured int;
  v_released int;
  v_left int := p_credits_used;
begin
  v_account := lock_account(p_account, p_now);
  captured := 0; released := 0; expired := 0;

  select * into v_hold from holds h where h.job_id = p_job;
  if not found then
    insert into holds (job_id, account_id, state, credits_used, outcome, settled_at)
    values (p_job, v_account, 'settled', p_credits_used, p_outcome, p_now);
    result := 'before_hold';
    return;
  end if;
  if v_account not in (select coalesce(a.merged_into, a.id) from accounts a where a.id = v_hold.account_id) then
    raise exception 'the hold of job % belongs to another account', p_job using errcode = 'raise_exception';
  end if;
  if v_hold.state = 'settled' then
    result := case when (v_hold.credits_used, v_hold.outcome) = (p_credits_used, p_outcome) then 'repeated' else 'contradicted' end;
    return;
  end if;
  if p_credits_used > v_hold.price then
    raise exception 'job % used % credits, but costs %', p_job, p_credits_used, v_hold.price using errcode = 'raise_exception';
  end if;

  -- What is due expires before anything is released into the same grant.
  expired := expire_grants(v_account, p_now);
  for v_part in
    select a.grant_id, a.credits, g.order_id
    from hold_allocations a join grants g on g.id = a.grant_id
    where a.job_id = p_job
    order by g.usable_until, g.granted_at, g.id
  loop
    v_captured := least(v_part.credits, v_left);
    v_released := v_part.credits - v_captured;
    v_left := v_left - v_captured;
    if v_captured > 0 then
      perform write_entry(v_account, v_part.grant_id, v_part.order_id, p_job, 'capture', 0, v_captured, 'staging-api', p_outcome, p_now);
      captured := captured + v_captured;
    end if;
    update hold_allocations a set captured = v_captured, released = v_released where a.job_id = p_job and a.grant_id = v_part.grant_id;
    -- Credits that were held over the end come back for a day; those that were held in that day do not renew it.
    update grants g set
      held = g.held - v_part.credits,
      captured = g.captured + v_captured,
      remaining = g.remaining + v_released,
      grace_until = case when v_released > 0 and v_hold.taken_at < g.expires_at then grace_of_returned(g, p_now) else g.grace_until end
    where g.id = v_part.grant_id;
    if v_released > 0 then
      perform write_entry(v_account, v_part.grant_id, v_part.order_id, p_job, 'release', v_released, v_released, 'staging-api', p_outcome, p_now);
      perform apply_adjustment(v_account, v_part.grant_id, p_now);
      released := released + v_released;
    end if;
  end loop;
  -- Released into a grant whose day of grace is over, too.
  expired := expired + expire_grants(v_account, p_now);
  update holds h set state = 'settled', credits_used = p_credits_used, outcome = p_outcome, settled_at = p_now where h.job_id = p_job;
  if v_hold.free then
    perform uncount_free(v_hold, p_credits_used, p_outcome);
  end if;
  result := 'settled';
  perform tell_credits_changed(v_account, p_trace_parent);
end $$;

revoke all on function lock_order, grace_of_returned, apply_adjustment, set_frozen, follow_adjustment, follow_account, apply_payment,
  adjust_payment from public;
grant execute on function apply_payment, adjust_payment to ${app};
