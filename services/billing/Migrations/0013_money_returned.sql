-- What support and the checks with Stripe need beside the facts: when the customer got the page, when the card's issuer warned of fraud
-- (a fact), and when Stripe was last asked for the order's session (bounds how often that happens, over all replicas).
alter table orders
  add column offered_at timestamptz,
  add column fraud_warning_at timestamptz,
  add column checked_at timestamptz;
grant update (offered_at, fraud_warning_at, checked_at) on orders to ${app};

-- The few orders whose end is not known, for the sweep and the reconciler.
create index orders_unsettled on orders (created_at) where paid_at is null and failed_at is null and expired_at is null;

-- How an event came: as a webhook with Stripe's signature, or from Stripe's own list, whose bytes the API's TLS vouches for.
alter table stripe_events add column source text not null default 'webhook' check (source in ('webhook', 'list'));

-- What an earlier version put aside because it did not use it.
update stripe_events set state = 'waiting', reason = null, due_at = received_at, settled_at = null
where state = 'ignored' and reason = 'type_not_used'
  and (type like 'refund.%' or type in ('charge.refunded', 'charge.refund.updated') or type like 'charge.dispute.%' or type like 'radar.early\_fraud\_warning.%');
