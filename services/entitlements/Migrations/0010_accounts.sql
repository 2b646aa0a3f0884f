-- Who owns credits. A row appears with the first session, hold or order.
-- merged_into is flattened: it names the account that owns everything now, never one that was itself merged.
create table accounts (
  id uuid primary key,
  merged_into uuid references accounts (id) check (merged_into <> id),
  created_at timestamptz not null
);
create index accounts_merged_into on accounts (merged_into) where merged_into is not null;

create table sessions (
  id uuid primary key,
  account_id uuid not null references accounts (id),
  kind text not null check (kind in ('visitor', 'member')),
  device text,
  created_at timestamptz not null,
  last_seen_at timestamptz not null
);
create index sessions_account on sessions (account_id, last_seen_at desc);

-- The first statement of every function that moves credits: later ones see all that was committed before the lock was granted.
-- The weaker of the two row locks, so that rows which only refer to the account do not wait for it.
create function lock_account(p_account uuid, p_now timestamptz) returns uuid
language plpgsql as $$
declare
  v_id uuid;
  v_merged_into uuid;
begin
  loop
    select a.id, a.merged_into into v_id, v_merged_into
    from accounts a
    where a.id = coalesce((select b.merged_into from accounts b where b.id = p_account), p_account)
    for no key update;
    if v_id is null then
      insert into accounts (id, created_at) values (p_account, p_now) on conflict do nothing;
    elsif v_merged_into is null then
      return v_id;
    end if;
    -- Created just now, or merged while we waited: look again.
  end loop;
end $$;
revoke all on function lock_account from public;

grant select, insert on accounts to ${app};
grant select, insert, update on sessions to ${app};
