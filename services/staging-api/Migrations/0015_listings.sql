-- Photos of one home that are staged together. Its jobs are the authority about what became of them; here is what belongs to none of them alone.
create table listings (
  id uuid primary key,
  account_id uuid not null,
  name text,
  take text not null check (take in ('all', 'as_many')),
  -- The number of its newest event: locked by the writing transaction until it commits.
  last_event bigint not null default 0,
  created_at timestamptz not null,
  deleted_at timestamptz
);
create index listings_of_account on listings (account_id, id desc) where deleted_at is null;

-- A job's place in its listing, the photo that it was made of, and the first result's picture that it is to resemble.
alter table jobs
  add column listing_id uuid references listings (id),
  add column listing_n int,
  add column photo_id uuid,
  add column reference_blob text,
  add constraint jobs_place_in_listing check ((listing_id is null) = (listing_n is null));
create unique index jobs_of_listing on jobs (listing_id, listing_n) where listing_id is not null;

alter table events
  add column listing_id uuid,
  add column listing_n bigint,
  add constraint events_number_in_listing check ((listing_id is null) = (listing_n is null));
create unique index events_of_listing on events (listing_id, listing_n) where listing_id is not null;

grant select, insert, update on listings to ${app};
