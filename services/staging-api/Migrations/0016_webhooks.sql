-- Where programs of customers are told of events. Secrets are sealed by the service; the database never sees them.
create table webhook_endpoints (
  id uuid primary key,
  account_id uuid not null,
  url text not null,
  description text,
  event_types text[] not null,
  enabled boolean not null,
  disabled_reason text check (disabled_reason in ('owner', 'failing', 'gone')),
  secret bytea not null,
  previous_secret bytea,
  previous_secret_until timestamptz,
  -- The first of the failures after which nothing has succeeded.
  failing_since timestamptz,
  created_at timestamptz not null,
  check (enabled = (disabled_reason is null)),
  check ((previous_secret is null) = (previous_secret_until is null))
);
create index webhook_endpoints_of_account on webhook_endpoints (account_id);

-- What an endpoint is to be told: written in the transaction of the event that it tells of. The id is the webhook-id of every attempt.
create table webhook_deliveries (
  n bigint generated always as identity primary key,
  id uuid not null unique,
  endpoint_id uuid not null references webhook_endpoints (id) on delete cascade,
  type text not null,
  -- Text, because exactly these bytes are signed.
  payload text not null,
  status text not null default 'pending' check (status in ('pending', 'succeeded', 'failed')),
  attempts int not null default 0,
  -- Attempts since it was written, or asked for again.
  round_attempts int not null default 0,
  -- When it is due; while a replica is at it, when that replica is taken for dead.
  next_attempt_at timestamptz,
  claim_id uuid,
  created_at timestamptz not null,
  check ((status = 'pending') = (next_attempt_at is not null)),
  check (claim_id is null or status = 'pending')
);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_attempt_at) where next_attempt_at is not null;
create index webhook_deliveries_claimed on webhook_deliveries (endpoint_id) where claim_id is not null;
create index webhook_deliveries_of_endpoint on webhook_deliveries (endpoint_id, n desc);
create index webhook_deliveries_age on webhook_deliveries (created_at);

create table webhook_attempts (
  delivery_n bigint not null references webhook_deliveries (n) on delete cascade,
  n int not null,
  at timestamptz not null,
  duration_ms int not null,
  status int,
  error text,
  answer text,
  primary key (delivery_n, n)
);

grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to ${app};
grant select, insert on webhook_attempts to ${app};
