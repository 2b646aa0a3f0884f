-- A pack of credits with an end. Each column after credits is where some of them are now, or went.
create table grants (
  id uuid primary key,
  account_id uuid not null references accounts (id),
  order_id uuid unique,
  source text not null check (source in ('purchase', 'support')),
  plan text,
  credits int not null check (credits > 0),
  adjusted int not null default 0,
  remaining int not null check (remaining >= 0),
  held int not null default 0 check (held >= 0),
  captured int not null default 0 check (captured >= 0),
  expired int not null default 0 check (expired >= 0),
  revoked_by_payment int not null default 0 check (revoked_by_payment >= 0),
  revoked_by_support int not null default 0 check (revoked_by_support >= 0),
  granted_at timestamptz not null,
  expires_at timestamptz not null,
  grace_until timestamptz,
  usable_until timestamptz not null generated always as (greatest(expires_at, grace_until)) stored,
  frozen_reasons text[] not null default '{}',
  frozen_at timestamptz,
  constraint every_credit_is_somewhere check (
    credits + adjusted = remaining + held + captured + expired + revoked_by_payment + revoked_by_support),
  constraint frozen_for_a_reason check ((cardinality(frozen_reasons) > 0) = (frozen_at is not null))
);
create index grants_account on grants (account_id, granted_at);
create index grants_usable on grants (account_id, usable_until) where remaining > 0;
create index grants_due on grants (usable_until) where remaining > 0 and frozen_at is null;

-- A job's claim on credits or on the free allowance. Without taken_at: settled before it was taken, so never to be taken.
-- price is what the job costs when all of it is delivered; credits is what is held of it: nothing if the hold is free.
create table holds (
  job_id uuid primary key,
  account_id uuid not null references accounts (id),
  state text not null check (state in ('open', 'settled')),
  free boolean not null default false,
  credits int not null default 0,
  price int check (price > 0),
  variations int check (variations > 0),
  quality text,
  taken_at timestamptz,
  credits_used int check (credits_used >= 0),
  outcome text check (outcome in ('succeeded', 'failed', 'canceled')),
  settled_at timestamptz,
  constraint taken_with_figures check (
    case when taken_at is null then state = 'settled' and not free else num_nulls(price, variations, quality) = 0 end),
  constraint free_holds_no_credits check (credits = case when taken_at is null or free then 0 else price end),
  constraint settled_with_figures check (num_nulls(credits_used, outcome, settled_at) = case state when 'settled' then 0 else 3 end)
);

create table hold_allocations (
  job_id uuid not null references holds (job_id),
  grant_id uuid not null references grants (id),
  credits int not null check (credits > 0),
  captured int not null default 0 check (captured >= 0),
  released int not null default 0 check (released >= 0),
  primary key (job_id, grant_id),
  constraint settled_as_a_whole check (captured + released in (0, credits))
);

-- What happened to whose credits, why, and who did it. Never changed: what was wrong is corrected by another entry.
-- number orders an account's entries, because each is written under the account's lock.
create table ledger_entries (
  number bigint generated always as identity primary key,
  id uuid not null,
  account_id uuid not null references accounts (id),
  grant_id uuid not null references grants (id),
  order_id uuid,
  job_id uuid,
  kind text not null check (kind in (
    'grant', 'hold', 'release', 'capture', 'expire', 'revoke', 'restore', 'adjust', 'merge', 'extend', 'freeze', 'thaw')),
  amount int not null,
  quantity int not null check (quantity >= 0),
  balance_after int not null check (balance_after >= 0),
  actor text not null,
  reason text not null,
  at timestamptz not null,
  constraint amount_follows_kind check (case
    when kind in ('grant', 'release', 'restore') then amount = quantity and quantity > 0
    when kind in ('hold', 'expire', 'revoke') then amount = -quantity and quantity > 0
    when kind in ('adjust', 'merge') then abs(amount) = quantity
    else amount = 0 end)
);
create index ledger_entries_account on ledger_entries (account_id, number desc);
create index ledger_entries_grant on ledger_entries (grant_id);
create index ledger_entries_job on ledger_entries (job_id) where job_id is not null;

create function refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;
revoke all on function refuse_change from public;
create trigger append_only before update or delete or truncate on ledger_entries
  for each statement execute function refuse_change();

-- What billing last said of an order's money, kept whether its grant is here yet or not; the newest revision only.
create table payment_adjustments (
  order_id uuid primary key,
  amount_paid bigint not null check (amount_paid >= 0),
  amount_returned bigint not null check (amount_returned between 0 and amount_paid),
  dispute_open boolean not null,
  revision bigint not null,
  received_at timestamptz not null
);

-- The service reads; only the functions write.
grant select on grants, holds, hold_allocations, ledger_entries, payment_adjustments to ${app};
