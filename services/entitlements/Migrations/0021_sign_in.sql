-- Sign-in, sign-out, and what gateways must not accept any more.

-- Sessions and API keys that ended before their time. Gateways hold all of them in memory and ask for what is new by transaction: a reader
-- that has seen everything below the oldest running transaction (pg_snapshot_xmin) misses nothing, in whatever order they commit.
-- until: when the credential would have ended by itself, so that nobody has to remember it any longer.
create table revocations (
  subject uuid primary key,
  kind text not null check (kind in ('session', 'key')),
  revoked_at timestamptz not null,
  until timestamptz not null,
  transaction xid8 not null default pg_current_xact_id()
);
create index revocations_transaction on revocations (transaction);
create index revocations_until on revocations (until);

-- A day more than the cookies last: 400 days for visitors, 30 for members.
create function revoke_for_gateways(p_session uuid, p_kind text, p_now timestamptz) returns void
language sql as $$
  insert into revocations (subject, kind, revoked_at, until)
  values (p_session, 'session', p_now, p_now + case p_kind when 'member' then interval '31 days' else interval '401 days' end)
  on conflict (subject) do nothing
$$;

-- Whatever ends a session tells the gateways, in the same transaction.
create function session_ended() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform revoke_for_gateways(new.id, new.kind, new.revoked_at);
  return null;
end $$;
create trigger session_ended after update of revoked_at on sessions
  for each row when (old.revoked_at is null and new.revoked_at is not null) execute function session_ended();

create function is_revoked(p_subject uuid) returns boolean
language sql stable as $$
  select exists (select 1 from revocations r where r.subject = p_subject)
$$;

-- A session is in use. result is
--   seen       now
--   ended      it was revoked, or is a visitor's on an account that somebody signs in to, or that was merged
--   elsewhere  it belongs to another account
create function see_session(p_session uuid, p_account uuid, p_kind text, p_device text, p_now timestamptz) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_rows int;
begin
  insert into accounts (id, created_at) values (p_account, p_now) on conflict do nothing;
  -- Waits for whoever signs in to the account at this moment and ends its visitors' sessions.
  perform 1 from accounts a where a.id = p_account for share;
  if is_revoked(p_session) or (p_kind = 'visitor' and has_identity(p_account))
    or exists (select 1 from accounts a where a.id = p_account and a.merged_into is not null) then
    return 'ended';
  end if;
  insert into sessions as s (id, account_id, kind, device, created_at, last_seen_at)
  values (p_session, p_account, p_kind, p_device, p_now, p_now)
  on conflict (id) do update
    set device = coalesce(excluded.device, s.device), last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at)
    where s.account_id = excluded.account_id and s.kind = excluded.kind;
  get diagnostics v_rows = row_count;
  return case v_rows when 0 then 'elsewhere' else 'seen' end;
end $$;

-- Ends one session of an account (also one that never got a row), or all of them.
create function end_sessions(p_account uuid, p_session uuid, p_kind text, p_everywhere boolean, p_now timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update sessions s set revoked_at = p_now
  where s.revoked_at is null and (p_everywhere or s.id = p_session)
    and s.account_id in (select a.id from accounts a where p_account in (a.id, a.merged_into));
  if p_session is not null and not exists (select 1 from sessions s where s.id = p_session) then
    perform revoke_for_gateways(p_session, p_kind, p_now);
  end if;
end $$;

-- Somebody signed in at a provider. p_old_* is the session that the browser had until now, which ends; the member's is p_session.
-- p_merge is whether the person wants what a visitor has, null before they were asked.
-- result is
--   first   nobody signed in by this identity before: the account is the visitor's if it can be, else p_new_account
--   known   the account of this identity; the visitor's things stay where they are
--   merged  as known, and the visitor's account became part of it
--   ask     nothing was done: the visitor has an account of its own, and the person has to say whether it is theirs
create function sign_in(
  p_issuer text, p_subject text, p_session uuid, p_device text, p_old_session uuid, p_old_account uuid, p_old_kind text, p_merge boolean,
  p_new_account uuid, p_now timestamptz, p_trace_parent text, out result text, out account uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_visitor uuid := case when p_old_kind = 'visitor' and not is_revoked(p_old_session) then p_old_account end;
  v_locked uuid;
begin
  -- The same person from two browsers at once: the second finds what the first made.
  perform pg_advisory_xact_lock(hashtextextended('sign_in ' || p_issuer || ' ' || p_subject, 0));
  select coalesce(a.merged_into, a.id) into account
  from identities i join accounts a on a.id = i.account_id where i.issuer = p_issuer and i.subject = p_subject;

  if account is null then
    result := 'first';
    account := p_new_account;
    if v_visitor is not null then
      -- A statement of its own: only what begins after the lock sees what was committed before it.
      v_locked := lock_account(v_visitor, p_now);
      -- Merged meanwhile, or somebody else's since: then it is not this person's.
      if v_locked = v_visitor and not has_identity(v_visitor) then
        account := v_visitor;
      end if;
    end if;
    insert into accounts (id, created_at) values (account, p_now) on conflict do nothing;
    insert into identities (issuer, subject, account_id, created_at) values (p_issuer, p_subject, account, p_now);
    -- Other devices that opened the account as its visitor sign in from now on.
    perform end_sessions(account, null, 'visitor', true, p_now);
  else
    result := 'known';
    if v_visitor <> account and not has_identity(v_visitor) and exists (select 1 from accounts a where a.id = v_visitor and a.merged_into is null) then
      if p_merge is null then
        result := 'ask';
        return;
      end if;
      if p_merge and (select m.result from merge_accounts(v_visitor, account, p_now, p_trace_parent) m) in ('merged', 'repeated') then
        result := 'merged';
      end if;
    end if;
  end if;

  if p_old_session is not null then
    perform end_sessions(p_old_account, p_old_session, p_old_kind, false, p_now);
  end if;
  insert into sessions (id, account_id, kind, device, created_at, last_seen_at)
  values (p_session, account, 'member', p_device, p_now, p_now) on conflict do nothing;
end $$;

-- The account of an identity that calls with a token; one that is new gets p_new_account.
create function account_of_identity(p_issuer text, p_subject text, p_new_account uuid, p_now timestamptz) returns uuid
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_account uuid;
begin
  select coalesce(a.merged_into, a.id) into v_account
  from identities i join accounts a on a.id = i.account_id where i.issuer = p_issuer and i.subject = p_subject;
  if v_account is null then
    perform pg_advisory_xact_lock(hashtextextended('sign_in ' || p_issuer || ' ' || p_subject, 0));
    select i.account_id into v_account from identities i where i.issuer = p_issuer and i.subject = p_subject;
    if v_account is null then
      insert into accounts (id, created_at) values (p_new_account, p_now);
      insert into identities (issuer, subject, account_id, created_at) values (p_issuer, p_subject, p_new_account, p_now);
      v_account := p_new_account;
    end if;
  end if;
  return v_account;
end $$;

revoke all on function revoke_for_gateways, session_ended, is_revoked, see_session, end_sessions, sign_in, account_of_identity from public;
grant execute on function is_revoked, see_session, end_sessions, sign_in, account_of_identity to ${app};
grant select, delete on revocations to ${app};
