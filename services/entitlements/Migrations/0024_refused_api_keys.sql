-- Requests for an API key that were refused, under the idempotency key that each of them used up; refusal is the answer as JSON.
create table api_key_refusals (
  account_id uuid not null references accounts (id),
  idempotency_key text not null,
  fingerprint bytea not null,
  refusal text not null,
  refused_at timestamptz not null,
  primary key (account_id, idempotency_key)
);

-- Makes a key, or refuses to: because of p_refusal, if there is one, or with p_too_many. result is
--   created    id is the new key
--   repeated   the same request made id before, under the same idempotency key
--   refused    refusal says how, now or when the same request was made before
--   different  another request used the idempotency key, whatever came of it
-- create_api_key, which knew no refusals, stays for replicas of the version before.
create function make_api_key(
  p_id uuid, p_account uuid, p_name text, p_hash bytea, p_hint text, p_scopes text[], p_requests_per_minute int, p_monthly_credits int,
  p_expires_at timestamptz, p_idempotency_key text, p_fingerprint bytea, p_refusal text, p_most int, p_too_many text, p_now timestamptz,
  out result text, out id uuid, out refusal text)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_made api_keys;
  v_refused api_key_refusals;
begin
  -- Two requests with one key take turns.
  perform lock_account(p_account, p_now);
  delete from api_key_refusals r where r.account_id = p_account and r.refused_at < p_now - interval '3 days';
  select * into v_made from api_keys k where k.account_id = p_account and k.idempotency_key = p_idempotency_key;
  select * into v_refused from api_key_refusals r where r.account_id = p_account and r.idempotency_key = p_idempotency_key;
  if v_made.id is not null or v_refused.account_id is not null then
    id := v_made.id;
    refusal := v_refused.refusal;
    result := case
      when coalesce(v_made.fingerprint, v_refused.fingerprint) <> p_fingerprint then 'different'
      when v_made.id is null then 'refused'
      else 'repeated' end;
    return;
  end if;

  refusal := coalesce(p_refusal, case
    when (select count(*) from api_keys k where k.account_id = p_account and k.revoked_at is null) >= p_most then p_too_many end);
  if refusal is null then
    insert into api_keys (id, account_id, name, hash, hint, scopes, requests_per_minute, monthly_credits, expires_at, created_at, idempotency_key, fingerprint)
    values (p_id, p_account, p_name, p_hash, p_hint, p_scopes, p_requests_per_minute, p_monthly_credits, p_expires_at, p_now, p_idempotency_key, p_fingerprint);
    id := p_id;
    result := 'created';
  else
    if p_idempotency_key is not null then
      insert into api_key_refusals (account_id, idempotency_key, fingerprint, refusal, refused_at)
      values (p_account, p_idempotency_key, p_fingerprint, refusal, p_now);
    end if;
    result := 'refused';
  end if;
end $$;

revoke all on function make_api_key from public;
grant execute on function make_api_key to ${app};
