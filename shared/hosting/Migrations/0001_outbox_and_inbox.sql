-- Messages that follow from a committed change and wait to be confirmed by the broker.
-- available_at is both the lease of a dispatcher and the back-off of a row that failed.
create table outbox (
  id bigint generated always as identity primary key,
  message_id uuid not null default gen_random_uuid(),
  message_type text not null,
  body jsonb not null,
  trace_parent text,
  created_at timestamptz not null default clock_timestamp(),
  available_at timestamptz not null default '-infinity',
  attempts int not null default 0
);
create index outbox_available on outbox (available_at, id);

-- Messages whose effect is committed. An optimisation: correctness rests on the business keys.
create table inbox (
  consumer text not null,
  message_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (consumer, message_id)
);
create index inbox_received on inbox (received_at);

grant select, insert, update, delete on outbox, inbox to ${app};
