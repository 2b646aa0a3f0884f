-- Removes sessions that are certainly over: a member's 30 days after it began, and any that was revoked, once its cookie has ended by itself.
-- last_seen_at proves less: gateways tell of visitors only when they stage or pay, and of members as well as they can. What was revoked stays
-- revoked: that is told by revocations alone.
create function forget_sessions(p_now timestamptz) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
  delete from sessions s where (s.kind = 'member' and s.created_at < p_now - interval '31 days') or s.revoked_at < p_now - interval '401 days'
$$;
revoke all on function forget_sessions from public;
grant execute on function forget_sessions to ${app};

create index sessions_of_members on sessions (created_at) where kind = 'member';
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;
