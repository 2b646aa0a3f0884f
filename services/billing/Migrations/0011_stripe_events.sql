-- Every event that Stripe signed, once, byte by byte. order_id is what the event names; that order may not be there (yet).
-- A waiting event is tried again at due_at, which is also the lease of whoever tries it.
create table stripe_events (
  id text primary key,
  type text not null,
  livemode boolean not null,
  api_version text,
  created_at timestamptz not null,
  received_at timestamptz not null,
  payload bytea not null,
  order_id uuid,
  state text not null check (state in ('applied', 'ignored', 'flagged', 'waiting')),
  reason text,
  due_at timestamptz,
  attempts int not null default 0,
  settled_at timestamptz,
  check ((state = 'waiting') = (due_at is not null)),
  check ((state = 'waiting') = (settled_at is null))
);
create index stripe_events_due on stripe_events (due_at) where state = 'waiting';
create index stripe_events_order on stripe_events (order_id) where order_id is not null;

grant select, insert on stripe_events to ${app};
grant update (order_id, state, reason, due_at, attempts, settled_at) on stripe_events to ${app};
