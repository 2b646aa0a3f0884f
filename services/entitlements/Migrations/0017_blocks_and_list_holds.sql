-- Addresses that get nothing for free, and holds for a list of jobs.

-- Keyed hashes of addresses that support has blocked, for ever or until a time.
create table address_blocks (
  address_hash text primary key,
  until timestamptz,
  reason text not null,
  blocked_by text not null,
  blocked_at timestamptz not null
);
grant select, insert, update, delete on address_blocks to ${app};

create function is_blocked(p_address_hash text, p_now timestamptz) returns boolean
language sql stable as $$
  select exists (select 1 from address_blocks b where b.address_hash = p_address_hash and (b.until is null or b.until > p_now))
$$;

-- How many pictures this household may still have for nothing, now.
create or replace function free_stagings_left(p_address_hash text, p_limit int, p_window interval, p_daily_budget int, p_now timestamptz) returns int
language sql stable as $$
  select case when is_blocked(p_address_hash, p_now) then 0 else greatest(0, least(
    p_limit - coalesce((select sum(u.pictures) from free_usages u where u.address_hash = p_address_hash and u.used_at > p_now - p_window), 0),
    p_daily_budget - coalesce((select d.pictures from free_days d where d.day = free_day(p_now)), 0)))::int end
$$;

-- One hold on a locked account on which nothing is due to expire; take_hold says what result means.
create function hold_locked(
  p_account uuid, p_job uuid, p_price int, p_variations int, p_quality text, p_address_hash text,
  p_free_limit int, p_free_window interval, p_free_daily_budget int, p_now timestamptz,
  out result text, out credits int, out free boolean, out available int, out free_left int, out free_if_draft boolean, out created boolean)
language plpgsql as $$
declare
  v_hold holds;
  v_grant record;
  v_part int;
  v_missing int;
begin
  credits := 0; free := false; available := 0; free_left := 0; free_if_draft := false; created := false;

  select * into v_hold from holds h where h.job_id = p_job;
  if found then
    credits := v_hold.credits;
    free := v_hold.free;
    result := case
      when v_hold.state = 'settled' then 'settled'
      when (v_hold.price, v_hold.variations, v_hold.quality) = (p_price, p_variations, p_quality)
        and p_account in (select coalesce(a.merged_into, a.id) from accounts a where a.id = v_hold.account_id) then 'taken'
      else 'different' end;
    return;
  end if;
  -- Nothing for nothing, either, and no advice to buy what would be frozen at once.
  if (select a.frozen from accounts a where a.id = p_account) then
    result := 'account_frozen';
    return;
  end if;

  select coalesce(sum(g.remaining), 0) into available
  from grants g where g.account_id = p_account and g.remaining > 0 and g.frozen_at is null and g.usable_until > p_now;

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
      result := case
        when available > 0 or p_address_hash is null or p_quality <> 'draft' or free_left > 0 then 'insufficient'
        when is_blocked(p_address_hash, p_now) then 'free_blocked'
        else 'free_exhausted' end;
      return;
    end if;
  end if;

  credits := case when free then 0 else p_price end;
  insert into holds (job_id, account_id, state, free, credits, price, variations, quality, taken_at)
  values (p_job, p_account, 'open', free, credits, p_price, p_variations, p_quality, p_now);
  created := true;
  if free then
    insert into free_usages (job_id, address_hash, pictures, used_at) values (p_job, p_address_hash, p_variations, p_now);
    free_left := free_left - p_variations;
  else
    v_missing := p_price;
    for v_grant in
      select g.id, g.order_id, g.remaining from grants g
      where g.account_id = p_account and g.remaining > 0 and g.frozen_at is null and g.usable_until > p_now
      order by g.usable_until, g.granted_at, g.id
    loop
      v_part := least(v_grant.remaining, v_missing);
      update grants g set remaining = g.remaining - v_part, held = g.held + v_part where g.id = v_grant.id;
      insert into hold_allocations (job_id, grant_id, credits) values (p_job, v_grant.id, v_part);
      perform write_entry(p_account, v_grant.id, v_grant.order_id, p_job, 'hold', -v_part, v_part, 'staging-api', 'staging', p_now);
      v_missing := v_missing - v_part;
      exit when v_missing = 0;
    end loop;
    available := available - p_price;
  end if;
  result := 'taken';
end $$;

-- Claims credits for a job, all or nothing; the free allowance where that applies. result is
--   taken               now, or before with the same figures
--   insufficient        available, free_left and free_if_draft say what there is
--   free_exhausted      only the free allowance could pay, and nothing is left of it
--   free_blocked        only the free allowance could pay, and the address is blocked
--   account_frozen      support froze the account
--   different           the job has a hold with other figures
--   settled             the job was settled already
create or replace function take_hold(
  p_account uuid, p_job uuid, p_price int, p_variations int, p_quality text, p_address_hash text,
  p_free_limit int, p_free_window interval, p_free_daily_budget int, p_now timestamptz, p_trace_parent text,
  out result text, out credits int, out free boolean, out available int, out free_left int, out free_if_draft boolean,
  out created boolean, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  v_account := lock_account(p_account, p_now);
  expired := expire_grants(v_account, p_now);
  select h.* into result, credits, free, available, free_left, free_if_draft, created
  from hold_locked(v_account, p_job, p_price, p_variations, p_quality, p_address_hash,
    p_free_limit, p_free_window, p_free_daily_budget, p_now) h;
  if created or expired > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
end $$;

-- Claims credits for a list of jobs in its order, each as take_hold would. If p_all, all of them or none: then a refusal is the only row,
-- with what the account had before. Else each job has its row. expired is the same in every row: what the call wrote.
create function take_holds(
  p_account uuid, p_jobs uuid[], p_prices int[], p_variations int[], p_qualities text[], p_all boolean, p_address_hash text,
  p_free_limit int, p_free_window interval, p_free_daily_budget int, p_now timestamptz, p_trace_parent text)
returns table (
  job_id uuid, result text, credits int, free boolean, available int, free_left int, free_if_draft boolean, created boolean, expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_expired int;
  v_available int;
  v_answer record;
  v_answers jsonb := '[]';
  v_changed boolean := false;
begin
  v_account := lock_account(p_account, p_now);
  v_expired := expire_grants(v_account, p_now);
  select coalesce(sum(g.remaining), 0) into v_available
  from grants g where g.account_id = v_account and g.frozen_at is null and g.usable_until > p_now;
  begin
    for v_index in 1 .. cardinality(p_jobs) loop
      select p_jobs[v_index] as job_id, h.* into v_answer
      from hold_locked(v_account, p_jobs[v_index], p_prices[v_index], p_variations[v_index], p_qualities[v_index], p_address_hash,
        p_free_limit, p_free_window, p_free_daily_budget, p_now) h;
      if p_all and v_answer.result <> 'taken' then
        raise exception 'all or none' using errcode = 'HS001';
      end if;
      v_answers := v_answers || to_jsonb(v_answer);
      v_changed := v_changed or v_answer.created;
    end loop;
  exception when sqlstate 'HS001' then
    -- What was held for the jobs before it is undone; the variables are not.
    v_changed := false;
    v_answers := jsonb_build_array(to_jsonb(v_answer) || jsonb_build_object('available', v_available, 'free_left',
      case when p_address_hash is null then 0
        else free_stagings_left(p_address_hash, p_free_limit, p_free_window, p_free_daily_budget, p_now) end));
  end;
  if v_changed or v_expired > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
  return query
    select a.job_id, a.result, a.credits, a.free, a.available, a.free_left, a.free_if_draft, a.created, v_expired
    from jsonb_to_recordset(v_answers) as a (
      job_id uuid, result text, credits int, free boolean, available int, free_left int, free_if_draft boolean, created boolean);
end $$;

revoke all on function is_blocked, hold_locked, take_holds from public;
grant execute on function is_blocked, take_holds to ${app};
