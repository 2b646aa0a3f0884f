-- One hold for a program on a locked account on which nothing is due to expire: never free, and never more than its key's credits of the
-- month. A job that has a hold is answered what take_hold would, whatever became of the key since. take_hold and take_hold_by_key say what
-- result means.
create or replace function hold_locked_by_key(
  p_account uuid, p_key uuid, p_job uuid, p_price int, p_variations int, p_quality text, p_now timestamptz,
  out result text, out credits int, out free boolean, out available int, out free_left int, out free_if_draft boolean, out created boolean)
language plpgsql as $$
declare
  v_key api_keys;
begin
  if not exists (select 1 from holds h where h.job_id = p_job) then
    credits := 0; free := false; free_left := 0; free_if_draft := false; created := false;
    select coalesce(sum(g.remaining), 0) into available
    from grants g where g.account_id = p_account and g.remaining > 0 and g.frozen_at is null and g.usable_until > p_now;

    select * into v_key from api_keys k where k.id = p_key and k.account_id = p_account;
    if v_key.id is null or v_key.revoked_at is not null or v_key.expires_at <= p_now then
      result := 'key_ended';
      return;
    elsif v_key.monthly_credits < api_key_credits(p_key, p_now) + p_price then
      result := 'key_cap_reached';
      available := greatest(0, least(available, v_key.monthly_credits - api_key_credits(p_key, p_now)));
      return;
    end if;
  end if;

  select h.result, h.credits, h.free, h.available, h.free_left, h.free_if_draft, h.created
  into result, credits, free, available, free_left, free_if_draft, created
  from hold_locked(p_account, p_job, p_price, p_variations, p_quality, null, 0, interval '1 day', 0, p_now) h;
  if created then
    update holds h set api_key_id = p_key where h.job_id = p_job;
  end if;
end $$;
