-- Keys of customers' programs. The key itself is nowhere: hash is HMAC-SHA-256(pepper, SHA-256(key)).
create table api_keys (
  id uuid primary key,
  account_id uuid not null references accounts (id),
  name text not null,
  hash bytea not null unique,
  hint text not null,
  scopes text[] not null check (cardinality(scopes) > 0),
  requests_per_minute int check (requests_per_minute > 0),
  monthly_credits int check (monthly_credits >= 0),
  expires_at timestamptz,
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  idempotency_key text,
  fingerprint bytea,
  unique (account_id, idempotency_key)
);

-- Requests by key and month (UTC), as gateways report them.
create table api_key_requests (
  key_id uuid not null references api_keys (id),
  month date not null,
  requests bigint not null,
  primary key (key_id, month)
);

alter table holds add column api_key_id uuid references api_keys (id);
create index holds_api_key on holds (api_key_id, taken_at) where api_key_id is not null;

create function month_of(p_at timestamptz) returns timestamptz
language sql stable as $$ select date_trunc('month', p_at, 'UTC') $$;

-- Credits that a key's jobs of the month hold or have used. What was released does not count.
create function api_key_credits(p_key uuid, p_now timestamptz) returns int
language sql stable as $$
  select coalesce(sum(case h.state when 'open' then h.credits else least(h.credits, h.credits_used) end), 0)::int
  from holds h where h.api_key_id = p_key and h.taken_at >= month_of(p_now)
$$;

-- take_hold for a program: never free, and never more than its key's credits of the month. The account's lock, which every hold of the
-- account takes first, makes the sum and the hold one step. Two more results:
--   key_ended        the key was revoked, has expired, or is another account's
--   key_cap_reached  the month's credits of the key do not suffice
create function take_hold_by_key(
  p_account uuid, p_key uuid, p_job uuid, p_price int, p_variations int, p_quality text, p_now timestamptz, p_trace_parent text,
  out result text, out credits int, out free boolean, out available int, out free_left int, out free_if_draft boolean, out created boolean, out expired int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_key api_keys;
begin
  v_account := lock_account(p_account, p_now);
  expired := expire_grants(v_account, p_now);
  credits := 0; free := false; free_left := 0; free_if_draft := false; created := false;
  select coalesce(sum(g.remaining), 0) into available
  from grants g where g.account_id = v_account and g.frozen_at is null and g.usable_until > p_now;

  select * into v_key from api_keys k where k.id = p_key and k.account_id = v_account;
  if v_key.id is null or v_key.revoked_at is not null or v_key.expires_at <= p_now then
    result := 'key_ended';
  elsif v_key.monthly_credits < api_key_credits(p_key, p_now) + p_price and not exists (select 1 from holds h where h.job_id = p_job) then
    result := 'key_cap_reached';
    available := greatest(0, least(available, v_key.monthly_credits - api_key_credits(p_key, p_now)));
  else
    select h.result, h.credits, h.free, h.available, h.free_left, h.free_if_draft, h.created
    into result, credits, free, available, free_left, free_if_draft, created
    from hold_locked(v_account, p_job, p_price, p_variations, p_quality, null, 0, interval '1 day', 0, p_now) h;
    if created then
      update holds h set api_key_id = p_key where h.job_id = p_job;
    end if;
  end if;
  if created or expired > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
end $$;

-- Makes a key. result is created, repeated (the same request under the same idempotency key), different (another one), or too_many.
create function create_api_key(
  p_id uuid, p_account uuid, p_name text, p_hash bytea, p_hint text, p_scopes text[], p_requests_per_minute int, p_monthly_credits int,
  p_expires_at timestamptz, p_idempotency_key text, p_fingerprint bytea, p_most int, p_now timestamptz, out result text, out id uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_before api_keys;
begin
  perform lock_account(p_account, p_now);
  select * into v_before from api_keys k where k.account_id = p_account and k.idempotency_key = p_idempotency_key;
  id := coalesce(v_before.id, p_id);
  result := case
    when v_before.id is not null and v_before.fingerprint = p_fingerprint then 'repeated'
    when v_before.id is not null then 'different'
    when (select count(*) from api_keys k where k.account_id = p_account and k.revoked_at is null) >= p_most then 'too_many'
    else 'created' end;
  if result = 'created' then
    insert into api_keys (id, account_id, name, hash, hint, scopes, requests_per_minute, monthly_credits, expires_at, created_at, idempotency_key, fingerprint)
    values (p_id, p_account, p_name, p_hash, p_hint, p_scopes, p_requests_per_minute, p_monthly_credits, p_expires_at, p_now, p_idempotency_key, p_fingerprint);
  end if;
end $$;

-- Ends a key for ever. True if the account has it, now or already ended. Gateways forget what they cached of it; until need only outlive that.
create function revoke_api_key(p_account uuid, p_id uuid, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- Also waits for a hold that is being taken with it.
  perform lock_account(p_account, p_now);
  update api_keys k set revoked_at = p_now where k.id = p_id and k.account_id = p_account and k.revoked_at is null;
  if found then
    insert into revocations (subject, kind, revoked_at, until) values (p_id, 'key', p_now, p_now + interval '1 day') on conflict do nothing;
  end if;
  return exists (select 1 from api_keys k where k.id = p_id and k.account_id = p_account);
end $$;

revoke all on function month_of, api_key_credits, take_hold_by_key, create_api_key, revoke_api_key from public;
grant execute on function month_of, api_key_credits, take_hold_by_key, create_api_key, revoke_api_key to ${app};
grant select on api_keys to ${app};
grant update (last_used_at) on api_keys to ${app};
grant select, insert, update on api_key_requests to ${app};
