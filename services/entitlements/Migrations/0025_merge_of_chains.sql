-- Chains of merges lock their accounts in the order in which everybody else comes to lock them.

-- Makes p_into (or what it was merged into) the owner of all that p_from owns, for ever. Grants change hands with a pair of entries, so
-- that the entries of both accounts still add up; holds, entries and what comes late find their owner through merged_into. result is
--   merged              now
--   repeated            it was merged before
--   same                both are one account
--   has_identity        somebody signs in to p_from
--   elsewhere           p_from was merged into another account
create or replace function merge_accounts(p_from uuid, p_into uuid, p_now timestamptz, p_trace_parent text, out result text, out into_account uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_elsewhere uuid;
  v_grant record;
begin
  -- Merges wait for each other, so two in opposite directions cannot block each other. Whoever waited for an account while it was merged
  -- holds it and then wants its owner, and so on along a chain: what p_from owns already comes first here, then p_from, then the owner to be.
  perform pg_advisory_xact_lock(hashtextextended('merge_accounts', 0));
  insert into accounts (id, created_at) select id, p_now from unnest(array[p_from, p_into]) id order by id on conflict do nothing;
  select coalesce(a.merged_into, a.id) into into_account from accounts a where a.id = p_into;
  perform 1 from accounts a where a.merged_into = p_from order by a.id for no key update;
  perform 1 from accounts a where a.id = p_from for no key update;
  perform 1 from accounts a where a.id = into_account for no key update;

  select a.merged_into into v_elsewhere from accounts a where a.id = p_from;
  result := case
    when p_from = p_into or p_from = into_account then 'same'
    when v_elsewhere = into_account then 'repeated'
    when v_elsewhere is not null then 'elsewhere'
    when has_identity(p_from) then 'has_identity'
    else 'merged' end;
  if result <> 'merged' then
    return;
  end if;

  perform expire_grants(p_from, p_now), expire_grants(into_account, p_now);
  for v_grant in select g.id, g.order_id, g.remaining from grants g where g.account_id = p_from order by g.granted_at, g.id loop
    update grants g set account_id = into_account where g.id = v_grant.id;
    perform write_entry(p_from, v_grant.id, v_grant.order_id, null, 'merge', -v_grant.remaining, v_grant.remaining, 'system', 'merged', p_now);
    perform write_entry(into_account, v_grant.id, v_grant.order_id, null, 'merge', v_grant.remaining, v_grant.remaining, 'system', 'merged', p_now);
  end loop;
  update accounts a set merged_into = into_account where a.id = p_from or a.merged_into = p_from;
  update sessions s set revoked_at = p_now
  where s.revoked_at is null and s.account_id in (select a.id from accounts a where a.merged_into = into_account);

  -- A freeze does not end by signing in to another account.
  if exists (select 1 from accounts a where a.id in (p_from, into_account) and a.frozen) then
    update accounts a set frozen = (a.id = into_account) where a.id in (p_from, into_account);
    perform follow_account(into_account, g.id, p_now) from grants g where g.account_id = into_account;
  end if;

  insert into outbox (message_type, body, trace_parent)
  values ('AccountMerged', jsonb_build_object('from', p_from, 'into', into_account), p_trace_parent);
  perform tell_credits_changed(into_account, p_trace_parent);
end $$;
