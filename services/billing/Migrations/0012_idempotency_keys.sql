-- A client's Idempotency-Key: either the order that its request made, or the refusal that it got.
create table idempotency_keys (
  account_id uuid not null,
  key text not null,
  fingerprint bytea not null,
  order_id uuid references orders,
  refusal text,
  created_at timestamptz not null,
  primary key (account_id, key),
  check ((order_id is null) <> (refusal is null))
);
create index idempotency_keys_created on idempotency_keys (created_at);

grant select, insert, delete on idempotency_keys to ${app};
