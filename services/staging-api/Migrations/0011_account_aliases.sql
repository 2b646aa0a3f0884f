-- Accounts that were merged, flattened: into_account is never itself merged into another. Jobs and photos keep the account that made them.
create table account_aliases (
  from_account uuid primary key,
  into_account uuid not null,
  check (from_account <> into_account)
);
create index account_aliases_into on account_aliases (into_account);
grant select, insert, update on account_aliases to ${app};
