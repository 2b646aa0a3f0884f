-- An order is what was offered (never changed after it was written) and the facts that are known of it since.
-- Its status is computed from the facts and stored nowhere.
create table orders (
  id uuid primary key,
  account_id uuid not null,
  plan text not null,
  plan_name text not null,
  credits int not null check (credits > 0),
  duration_days int not null check (duration_days > 0),
  amount bigint not null check (amount > 0),
  currency text not null,
  stripe_price_id text,
  created_at timestamptz not null,

  session_id text unique,
  session_url text,
  session_expires_at timestamptz,
  payment_intent_id text,

  paid_at timestamptz,
  amount_paid bigint,
  failed_at timestamptz,
  expired_at timestamptz,
  amount_refunded bigint not null default 0 check (amount_refunded >= 0),
  amount_lost bigint not null default 0 check (amount_lost >= 0),
  dispute_open boolean not null default false,
  revision bigint not null default 0,

  check ((paid_at is null) = (amount_paid is null)),
  check ((session_id is null) = (session_url is null))
);
create index orders_account on orders (account_id, id desc);
create index orders_payment_intent on orders (payment_intent_id) where payment_intent_id is not null;

grant select, insert on orders to ${app};
-- What was offered cannot be changed by the service, whatever it is made to do.
grant update (session_id, session_url, session_expires_at, payment_intent_id, paid_at, amount_paid, failed_at, expired_at,
  amount_refunded, amount_lost, dispute_open, revision) on orders to ${app};
