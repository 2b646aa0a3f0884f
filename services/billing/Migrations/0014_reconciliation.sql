-- Up to when every event that Stripe lists is stored here. One row at most.
create table reconciliation (
  singleton boolean primary key default true check (singleton),
  known_to timestamptz not null
);
grant select, insert, update on reconciliation to ${app};
