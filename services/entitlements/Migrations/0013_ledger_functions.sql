-- The only code that moves credits. Each function decides in one round trip, under the account's lock, at a time that the caller
-- gives. They are VOLATILE, so each statement sees what was committed before it; the first one takes the lock, and nothing about
-- grants is read earlier. They run with the rights of their owner: the service itself may write none of these tables.
-- Locks are always taken in the order account, household, day; where many accounts are locked, busy ones are skipped.

-- UUID version 7 (RFC 9562): sorted by time.
create function uuid_v7(p_at timestamptz) returns uuid
language sql volatile as $$
  select encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) placing substring(int8send(floor(extract(epoch from p_at) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid
$$;

-- Writes one entry, after the change to the grants that it tells of.
create function write_entry(
  p_account uuid, p_grant uuid, p_order uuid, p_job uuid, p_kind text, p_amount int, p_quantity int, p_actor text, p_reason text, p_now timestamptz)
returns void
language sql volatile as $$
  insert into ledger_entries (id, account_id, grant_id, order_id, job_id, kind, amount, quantity, balance_after, actor, reason, at)
  select uuid_v7(p_now), p_account, p_grant, p_order, p_job, p_kind, p_amount, p_quantity,
    coalesce((select sum(g.remaining) from grants g where g.account_id = p_account and g.remaining > 0), 0), p_actor, p_reason, p_now
$$;

create function tell_credits_changed(p_account uuid, p_trace_parent text) returns void
language sql volatile as $$
  insert into outbox (message_type, body, trace_parent)
  values ('CreditsChanged', jsonb_build_object('accountId', p_account), p_trace_parent)
$$;

-- Expires what is due of a locked account, so that balances are right before the sweep comes by. A frozen grant does not expire.
create function expire_grants(p_account uuid, p_now timestamptz) returns int
language plpgsql as $$
declare
  v_grant record;
  v_total int := 0;
begin
  for v_grant in
    select g.id, g.order_id, g.remaining from grants g
    where g.account_id = p_account and g.remaining > 0 and g.frozen_at is null and g.usable_until <= p_now
    order by g.usable_until, g.granted_at, g.id
  loop
    update grants g set remaining = 0, expired = g.expired + v_grant.remaining where g.id = v_grant.id;
    perform write_entry(p_account, v_grant.id, v_grant.order_id, null, 'expire', -v_grant.remaining, v_grant.remaining, 'system', 'expired', p_now);
    v_total := v_total + v_grant.remaining;
  end loop;
  return v_total;
end $$;

-- Expires what is due on up to p_limit accounts that nobody else is working on.
create function expire_due(p_limit int, p_now timestamptz, out accounts int, out expired int)
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
      select g.account_id from grants g where g.remaining > 0 and g.frozen_at is null and g.usable_until <= p_now
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

-- Grants what an order paid for, once for each order. granted is 0 when it was granted before.
create function apply_payment(
  p_grant uuid, p_account uuid, p_order uuid, p_plan text, p_credits int, p_expires_at timestamptz, p_now timestamptz, p_trace_parent text,
  out granted int, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  v_account := lock_account(p_account, p_now);
  expired := expire_grants(v_account, p_now);
  insert into grants (id, account_id, order_id, source, plan, credits, remaining, granted_at, expires_at)
  values (p_grant, v_account, p_order, 'purchase', p_plan, p_credits, p_credits, p_now, p_expires_at)
  on conflict (order_id) do nothing;
  granted := case when found then p_credits else 0 end;
  if granted > 0 then
    perform write_entry(v_account, p_grant, p_order, null, 'grant', granted, granted, 'billing', 'purchase', p_now);
    -- Paid so long ago that it is over already: both facts are on the statement.
    expired := expired + expire_grants(v_account, p_now);
  end if;
  if granted + expired > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
end $$;

-- Claims credits for a job, all or nothing; the free allowance where that applies. result is
--   taken               now, or before with the same figures
--   insufficient        available, free_left and free_if_draft say what there is
--   free_exhausted      only the free allowance could pay, and nothing is left of it
--   different           the job has a hold with other figures
--   settled             the job was settled already
create function take_hold(
  p_account uuid, p_job uuid, p_price int, p_variations int, p_quality text, p_address_hash text,
  p_free_limit int, p_free_window interval, p_free_daily_budget int, p_now timestamptz, p_trace_parent text,
  out result text, out credits int, out free boolean, out available int, out free_left int, out free_if_draft boolean,
  out created boolean, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_hold holds;
  v_grant record;
  v_part int;
  v_missing int;
begin
  v_account := lock_account(p_account, p_now);
  credits := 0; free := false; available := 0; free_left := 0; free_if_draft := false; created := false; expired := 0;

  select * into v_hold from holds h where h.job_id = p_job;
  if found then
    credits := v_hold.credits;
    free := v_hold.free;
    result := case
      when v_hold.state = 'settled' then 'settled'
      when (v_hold.price, v_hold.variations, v_hold.quality) = (p_price, p_variations, p_quality)
        and v_account in (select coalesce(a.merged_into, a.id) from accounts a where a.id = v_hold.account_id) then 'taken'
      else 'different' end;
    return;
  end if;

  expired := expire_grants(v_account, p_now);
  select coalesce(sum(g.remaining), 0) into available
  from grants g where g.account_id = v_account and g.remaining > 0 and g.frozen_at is null and g.usable_until > p_now;

  if available < p_price then
    if p_address_hash is not null then
      if available = 0 and p_quality = 'draft' then
        insert into free_addresses (address_hash) values (p_address_hash) on conflict do nothing;
        perform 1 from free_addresses f where f.address_hash = p_address_hash for no key update;
      end if;
      free_left := free_stagings_left(p_address_hash, p_free_limit, p_free_window, p_free_daily_budget, p_now);
    end if;
    free_if_draft := available = 0 and p_variations <= free_left;
    if free_if_draft and p_quality = 'draft' then
      free := count_free_day(p_now, p_variations, p_free_daily_budget);
      if not free then
        -- Another household took the last of the day in this moment.
        free_left := 0;
        free_if_draft := false;
      end if;
    end if;
    if not free then
      result := case when available = 0 and p_address_hash is not null and p_quality = 'draft' and free_left = 0
        then 'free_exhausted' else 'insufficient' end;
      if expired > 0 then
        perform tell_credits_changed(v_account, p_trace_parent);
      end if;
      return;
    end if;
  end if;

  credits := case when free then 0 else p_price end;
  insert into holds (job_id, account_id, state, free, credits, price, variations, quality, taken_at)
  values (p_job, v_account, 'open', free, credits, p_price, p_variations, p_quality, p_now);
  created := true;
  if free then
    insert into free_usages (job_id, address_hash, pictures, used_at) values (p_job, p_address_hash, p_variations, p_now);
    free_left := free_left - p_variations;
  else
    v_missing := p_price;
    for v_grant in
      select g.id, g.order_id, g.remaining from grants g
      where g.account_id = v_account and g.remaining > 0 and g.frozen_at is null and g.usable_until > p_now
      order by g.usable_until, g.granted_at, g.id
    loop
      v_part := least(v_grant.remaining, v_missing);
      update grants g set remaining = g.remaining - v_part, held = g.held + v_part where g.id = v_grant.id;
      insert into hold_allocations (job_id, grant_id, credits) values (p_job, v_grant.id, v_part);
      perform write_entry(v_account, v_grant.id, v_grant.order_id, p_job, 'hold', -v_part, v_part, 'staging-api', 'staging', p_now);
      v_missing := v_missing - v_part;
      exit when v_missing = 0;
    end loop;
    available := available - p_price;
  end if;
  result := 'taken';
  perform tell_credits_changed(v_account, p_trace_parent);
end $$;

-- Ends a hold, once: captures what was used, in burn order, and gives back the rest. result is
--   settled             now
--   repeated            it was settled before with the same figures
--   contradicted        it was settled before with other figures, which stand
--   before_hold         there is no hold: remembered, so that none is taken any more
create function settle_hold(
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
    -- The clock of a frozen grant stands still.
    select a.grant_id, a.credits, g.order_id, coalesce(g.frozen_at, p_now) as clock
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
      grace_until = case
        when v_released > 0 and v_hold.taken_at < g.expires_at and g.expires_at <= v_part.clock
          then greatest(g.grace_until, v_part.clock + interval '24 hours')
        else g.grace_until end
    where g.id = v_part.grant_id;
    if v_released > 0 then
      perform write_entry(v_account, v_part.grant_id, v_part.order_id, p_job, 'release', v_released, v_released, 'staging-api', p_outcome, p_now);
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

-- Counts pictures against the installation's budget of the day, unless it does not suffice.
create function count_free_day(p_now timestamptz, p_pictures int, p_daily_budget int) returns boolean
language plpgsql as $$
begin
  insert into free_days (day, pictures) values (free_day(p_now), 0) on conflict do nothing;
  update free_days d set pictures = d.pictures + p_pictures where d.day = free_day(p_now) and d.pictures + p_pictures <= p_daily_budget;
  return found;
end $$;

-- Gives back to the household and to the day exactly what a free hold counted and was not delivered.
create function uncount_free(p_hold holds, p_credits_used int, p_outcome text) returns void
language plpgsql as $$
declare
  v_delivered int := ceil(p_credits_used::numeric * p_hold.variations / p_hold.price);
  v_back int;
begin
  -- A success delivers something; who reports no cost for it, because it was free, must not make it uncounted.
  if p_outcome = 'succeeded' and p_credits_used = 0 then
    v_delivered := p_hold.variations;
  end if;
  v_back := p_hold.variations - v_delivered;
  if v_back > 0 then
    perform 1 from free_addresses f
    where f.address_hash = (select u.address_hash from free_usages u where u.job_id = p_hold.job_id) for no key update;
    update free_usages u set pictures = u.pictures - v_back where u.job_id = p_hold.job_id;
    update free_days d set pictures = d.pictures - v_back where d.day = free_day(p_hold.taken_at);
  end if;
end $$;

revoke all on function uuid_v7, write_entry, tell_credits_changed, expire_grants, expire_due, apply_payment, take_hold, settle_hold,
  count_free_day, uncount_free from public;
grant execute on function expire_due, apply_payment, take_hold, settle_hold to ${app};
