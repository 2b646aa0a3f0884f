-- One hold for a program on a locked account on which nothing is due to expire: never free, and never more than its key's credits of the
-- month. take_hold and take_hold_by_key say what result means.
create function hold_locked_by_key(
  p_account uuid, p_key uuid, p_job uuid, p_price int, p_variations int, p_quality text, p_now timestamptz,
  out result text, out credits int, out free boolean, out available int, out free_left int, out free_if_draft boolean, out created boolean)
language plpgsql as $$
declare
  v_key api_keys;
begin
  credits := 0; free := false; free_left := 0; free_if_draft := false; created := false;
  select coalesce(sum(g.remaining), 0) into available
  from grants g where g.account_id = p_account and g.remaining > 0 and g.frozen_at is null and g.usable_until > p_now;

  select * into v_key from api_keys k where k.id = p_key and k.account_id = p_account;
  if v_key.id is null or v_key.revoked_at is not null or v_key.expires_at <= p_now then
    result := 'key_ended';
  elsif v_key.monthly_credits < api_key_credits(p_key, p_now) + p_price and not exists (select 1 from holds h where h.job_id = p_job) then
    result := 'key_cap_reached';
    available := greatest(0, least(available, v_key.monthly_credits - api_key_credits(p_key, p_now)));
  else
    select h.result, h.credits, h.free, h.available, h.free_left, h.free_if_draft, h.created
    into result, credits, free, available, free_left, free_if_draft, created
    from hold_locked(p_account, p_job, p_price, p_variations, p_quality, null, 0, interval '1 day', 0, p_now) h;
    if created then
      update holds h set api_key_id = p_key where h.job_id = p_job;
    end if;
  end if;
end $$;

create or replace function take_hold_by_key(
  p_account uuid, p_key uuid, p_job uuid, p_price int, p_variations int, p_quality text, p_now timestamptz, p_trace_parent text,
  out result text, out credits int, out free boolean, out available int, out free_left int, out free_if_draft boolean, out created boolean, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  v_account := lock_account(p_account, p_now);
  expired := expire_grants(v_account, p_now);
  select h.* into result, credits, free, available, free_left, free_if_draft, created
  from hold_locked_by_key(v_account, p_key, p_job, p_price, p_variations, p_quality, p_now) h;
  if created or expired > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
end $$;

-- As take_holds without p_key, which now is this one for nobody's key; with a key each job as take_hold_by_key would. The account's lock,
-- which every hold of the account takes first, makes the key's sum and all holds of the list one step.
create function take_holds(
  p_account uuid, p_jobs uuid[], p_prices int[], p_variations int[], p_qualities text[], p_all boolean, p_address_hash text,
  p_free_limit int, p_free_window interval, p_free_daily_budget int, p_now timestamptz, p_trace_parent text, p_key uuid)
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
      if p_key is null then
        select p_jobs[v_index] as job_id, h.* into v_answer
        from hold_locked(v_account, p_jobs[v_index], p_prices[v_index], p_variations[v_index], p_qualities[v_index], p_address_hash,
          p_free_limit, p_free_window, p_free_daily_budget, p_now) h;
      else
        select p_jobs[v_index] as job_id, h.* into v_answer
        from hold_locked_by_key(v_account, p_key, p_jobs[v_index], p_prices[v_index], p_variations[v_index], p_qualities[v_index], p_now) h;
      end if;
      if p_all and v_answer.result <> 'taken' then
        raise exception 'all or none' using errcode = 'HS001';
      end if;
      v_answers := v_answers || to_jsonb(v_answer);
      v_changed := v_changed or v_answer.created;
    end loop;
  exception when sqlstate 'HS001' then
    -- What was held for the jobs before it is undone; the variables are not.
    v_changed := false;
    if v_answer.result = 'key_cap_reached' then
      select greatest(0, least(v_available, k.monthly_credits - api_key_credits(p_key, p_now))) into v_available from api_keys k where k.id = p_key;
    end if;
    v_answers := jsonb_build_array(to_jsonb(v_answer) || jsonb_build_object('available', v_available, 'free_left',
      case when p_key is not null or p_address_hash is null then 0
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

create or replace function take_holds(
  p_account uuid, p_jobs uuid[], p_prices int[], p_variations int[], p_qualities text[], p_all boolean, p_address_hash text,
  p_free_limit int, p_free_window interval, p_free_daily_budget int, p_now timestamptz, p_trace_parent text)
returns table (
  job_id uuid, result text, credits int, free boolean, available int, free_left int, free_if_draft boolean, created boolean, expired int)
language sql volatile security definer set search_path = public, pg_temp as $$
  select * from take_holds(p_account, p_jobs, p_prices, p_variations, p_qualities, p_all, p_address_hash,
    p_free_limit, p_free_window, p_free_daily_budget, p_now, p_trace_parent, null)
$$;

revoke all on function hold_locked_by_key,
  take_holds(uuid, uuid[], int[], int[], text[], boolean, text, int, interval, int, timestamptz, text, uuid) from public;
grant execute on function
  take_holds(uuid, uuid[], int[], int[], text[], boolean, text, int, interval, int, timestamptz, text, uuid) to ${app};
