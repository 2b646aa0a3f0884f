-- Public pages that show a staged picture beside its photo. The token is the whole secret of a link that is printed on listings.
create table disclosures (
  token text primary key,
  job_id uuid not null references jobs (id),
  n int not null check (n > 0),
  created_at timestamptz not null,
  revoked_at timestamptz
);
create unique index disclosures_live on disclosures (job_id, n) where revoked_at is null;
grant select, insert on disclosures to ${app};
grant update (revoked_at) on disclosures to ${app};
