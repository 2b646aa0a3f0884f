-- What support people do, each with who and why.

-- Each row is written in the transaction of what it tells of. answer is what the command was answered, so that the same command again,
-- known by its key, is answered the same and done once.
create table support_audit (
  number bigint generated always as identity primary key,
  id uuid not null unique,
  at timestamptz not null,
  actor text not null,
  action text not null,
  subject text not null,
  reason text not null check (length(reason) <= 500),
  arguments jsonb not null,
  idempotency_key text,
  answer jsonb,
  unique (actor, idempotency_key)
);
create index support_audit_subject on support_audit (subject, number desc);
create trigger append_only before update or delete or truncate on support_audit
  for each statement execute function refuse_change();
grant select, insert on support_audit to ${app};

-- Locks the account of a grant and expires what is due there; null if there is no such grant. Nothing about the grant is known before.
create function lock_grant(p_grant uuid, p_now timestamptz) returns uuid
language plpgsql as $$
declare
  v_account uuid;
begin
  select lock_account(g.account_id, p_now) into v_account from grants g where g.id = p_grant;
  perform expire_grants(v_account, p_now);
  return v_account;
end $$;

-- Credits for nothing. False if there is no such account: a mistyped id must not become one.
create function grant_support(
  p_grant uuid, p_account uuid, p_credits int, p_expires_at timestamptz, p_actor text, p_reason text, p_now timestamptz, p_trace_parent text)
returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  if not exists (select 1 from accounts a where a.id = p_account) then
    return false;
  end if;
  v_account := lock_account(p_account, p_now);
  perform expire_grants(v_account, p_now);
  insert into grants (id, account_id, source, credits, remaining, granted_at, expires_at)
  values (p_grant, v_account, 'support', p_credits, p_credits, p_now, p_expires_at);
  perform write_entry(v_account, p_grant, null, null, 'grant', p_credits, p_credits, p_actor, p_reason, p_now);
  perform follow_account(v_account, p_grant, p_now);
  perform tell_credits_changed(v_account, p_trace_parent);
  return true;
end $$;

-- Moves the end of a grant of a locked account by days, from now if it is over (by its own clock, which stands still while frozen).
-- What had expired comes back. The entry's quantity is the days.
create function extend_locked(p_account uuid, p_grant uuid, p_days int, p_actor text, p_reason text, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_grant grants;
begin
  select * into v_grant from grants g where g.id = p_grant;
  update grants g set expires_at = greatest(g.expires_at, coalesce(g.frozen_at, p_now)) + make_interval(days => p_days) where g.id = p_grant;
  perform write_entry(p_account, p_grant, v_grant.order_id, null, 'extend', 0, p_days, p_actor, p_reason, p_now);
  if v_grant.expired > 0 then
    update grants g set remaining = g.remaining + g.expired, expired = 0 where g.id = p_grant;
    perform write_entry(p_account, p_grant, v_grant.order_id, null, 'restore', v_grant.expired, v_grant.expired, p_actor, p_reason, p_now);
    perform apply_adjustment(p_account, p_grant, p_now);
  end if;
end $$;

-- False if there is no such grant.
create function extend_grant(p_grant uuid, p_days int, p_actor text, p_reason text, p_now timestamptz, p_trace_parent text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid := lock_grant(p_grant, p_now);
begin
  if v_account is null then
    return false;
  end if;
  perform extend_locked(v_account, p_grant, p_days, p_actor, p_reason, p_now);
  perform tell_credits_changed(v_account, p_trace_parent);
  return true;
end $$;

-- Extends every grant of an account that is not over. Returns how many; null if there is no such account.
create function extend_account(p_account uuid, p_days int, p_actor text, p_reason text, p_now timestamptz, p_trace_parent text) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
  v_extended int := 0;
  v_grant uuid;
begin
  if not exists (select 1 from accounts a where a.id = p_account) then
    return null;
  end if;
  v_account := lock_account(p_account, p_now);
  perform expire_grants(v_account, p_now);
  for v_grant in
    select g.id from grants g where g.account_id = v_account and g.usable_until > coalesce(g.frozen_at, p_now) order by g.granted_at, g.id
  loop
    perform extend_locked(v_account, v_grant, p_days, p_actor, p_reason, p_now);
    v_extended := v_extended + 1;
  end loop;
  if v_extended > 0 then
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
  return v_extended;
end $$;

-- Takes credits out of a grant (all that is neither held nor gone if p_credits is null), or puts back what support took (all of it if
-- null), or corrects what the grant contains. possible is how many could be moved; result is
--   done                moved says how many
--   unknown             there is no such grant
--   too_many            more than possible, or nothing is
create function move_credits(
  p_grant uuid, p_kind text, p_credits int, p_actor text, p_reason text, p_now timestamptz, p_trace_parent text,
  out result text, out moved int, out possible int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid := lock_grant(p_grant, p_now);
  v_grant grants;
  v_change int;
begin
  moved := 0; possible := 0;
  select * into v_grant from grants g where g.id = p_grant;
  if not found then
    result := 'unknown';
    return;
  end if;
  -- What is added in a correction has no bound here.
  possible := case p_kind when 'restore' then v_grant.revoked_by_support when 'adjust' then greatest(v_grant.remaining, p_credits) else v_grant.remaining end;
  v_change := case p_kind when 'revoke' then -coalesce(p_credits, possible) when 'restore' then coalesce(p_credits, possible) else p_credits end;
  if v_change = 0 or abs(v_change) > possible then
    result := 'too_many';
    return;
  end if;
  update grants g set
    remaining = g.remaining + v_change,
    revoked_by_support = g.revoked_by_support - case when p_kind = 'adjust' then 0 else v_change end,
    adjusted = g.adjusted + case when p_kind = 'adjust' then v_change else 0 end,
    grace_until = case when v_change > 0 then grace_of_returned(g, p_now) else g.grace_until end
  where g.id = p_grant;
  perform write_entry(v_account, p_grant, v_grant.order_id, null, p_kind, v_change, abs(v_change), p_actor, p_reason, p_now);
  -- Credits of money that went back stay gone.
  perform apply_adjustment(v_account, p_grant, p_now);
  perform tell_credits_changed(v_account, p_trace_parent);
  moved := abs(v_change);
  result := 'done';
end $$;

-- Freezes or thaws an account with all its grants. False if there is no such account; doing it again changes nothing.
create function freeze_account(p_account uuid, p_frozen boolean, p_actor text, p_now timestamptz, p_trace_parent text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  if not exists (select 1 from accounts a where a.id = p_account) then
    return false;
  end if;
  v_account := lock_account(p_account, p_now);
  perform expire_grants(v_account, p_now);
  update accounts a set frozen = p_frozen where a.id = v_account and a.frozen <> p_frozen;
  if found then
    perform set_frozen(v_account, g.id, 'support', p_frozen, p_actor, p_now)
    from grants g where g.account_id = v_account order by g.granted_at, g.id;
    perform expire_grants(v_account, p_now);
    perform tell_credits_changed(v_account, p_trace_parent);
  end if;
  return true;
end $$;

revoke all on function lock_grant, grant_support, extend_locked, extend_grant, extend_account, move_credits, freeze_account from public;
grant execute on function grant_support, extend_grant, extend_account, move_credits, freeze_account to ${app};
