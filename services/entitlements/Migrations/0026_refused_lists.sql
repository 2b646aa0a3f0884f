-- Claims credits for a list of jobs in its order, each as take_hold would, or take_hold_by_key if p_key is given. If p_all, all of them or
-- none: then a refusal is the only row. Where credits or free pictures do not suffice it speaks of the whole list and of what there was
-- before, as take_hold would of one job; free_if_draft is whether all of it would be free. Else each job has its row. expired is the same
-- in every row: what the call wrote.
create or replace function take_holds(
  p_account uuid, p_jobs uuid[], p_prices int[], p_variations int[], p_qualities text[], p_all boolean, p_address_hash text,
  p_free_limit int, p_free_window interval, p_free_daily_budget int, p_now timestamptz, p_trace_parent text, p_key uuid)
returns table (
  job_id uuid, result text, credits int, free boolean, available int, free_left int, free_if_draft boolean, created boolean, expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_expired int;
  v_available int;
  v_free_left int := 0;
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
      select least(v_available, greatest(0, k.monthly_credits - api_key_credits(p_key, p_now))) into v_answer.available from api_keys k where k.id = p_key;
    elsif v_answer.result in ('insufficient', 'free_exhausted', 'free_blocked') then
      if p_key is null and p_address_hash is not null then
        v_free_left := free_stagings_left(p_address_hash, p_free_limit, p_free_window, p_free_daily_budget, p_now);
      end if;
      v_answer.available := v_available;
      v_answer.free_left := v_free_left;
      v_answer.free_if_draft := v_available = 0 and (select sum(v) from unnest(p_variations) v) <= v_free_left;
      v_answer.result := case
        when v_available > 0 or p_key is not null or p_address_hash is null or 'draft' <> any (p_qualities) or v_free_left > 0 then 'insufficient'
        when is_blocked(p_address_hash, p_now) then 'free_blocked'
        else 'free_exhausted' end;
    end if;
    v_answers := jsonb_build_array(to_jsonb(v_answer));
  end;
  if v_changed or v_expired > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
  return query
    select a.job_id, a.result, a.credits, a.free, a.available, a.free_left, a.free_if_draft, a.created, v_expired
    from jsonb_to_recordset(v_answers) as a (
      job_id uuid, result text, credits int, free boolean, available int, free_left int, free_if_draft boolean, created boolean);
end $$;
