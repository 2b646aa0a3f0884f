-- Photos that were uploaded ahead of a staging; a job keeps a copy of its own.
create table photos (
  id uuid primary key,
  account_id uuid not null,
  blob text not null,
  sha256 text not null,
  width int not null,
  height int not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index photos_expiry on photos (expires_at);

-- The row is the only authority about a job. Every change is one statement conditional on revision.
create table jobs (
  id uuid primary key,
  account_id uuid not null,
  status text not null check (status in ('accepted', 'queued', 'running', 'succeeded', 'failed', 'canceled')),
  room text not null,
  style text not null,
  quality text not null,
  declutter boolean not null,
  words text,
  variations int not null check (variations between 1 and 4),
  price int not null check (price > 0),
  prompt_version int not null,
  original_blob text not null,
  photo_width int not null,
  photo_height int not null,
  free boolean,
  held int not null default 0 check (held >= 0),
  credits_used int,
  created_at timestamptz not null,
  queued_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  deadline timestamptz not null,
  attempt int not null,
  costly_attempts int not null,
  free_attempts int not null,
  sends int not null,
  next_attempt_at timestamptz,
  claim_id uuid,
  claimed_at timestamptz,
  lease_until timestamptz,
  phase text,
  preview_blob text,
  pictures jsonb not null,
  error_code text,
  late_cancel boolean not null,
  last_event bigint not null,
  revision bigint not null,
  due_at timestamptz,
  deleted_at timestamptz,
  purged boolean not null,
  -- A job is settled exactly when it has ended.
  check ((status in ('succeeded', 'failed', 'canceled')) = (credits_used is not null)),
  check ((status in ('succeeded', 'failed', 'canceled')) = (due_at is null)),
  check (jsonb_array_length(pictures) <= variations)
);
create index jobs_of_account on jobs (account_id, id desc) where deleted_at is null;
create index jobs_due on jobs (due_at) where due_at is not null;
create index jobs_to_purge on jobs (deleted_at) where deleted_at is not null and not purged;
create index jobs_durations on jobs (quality, finished_at desc) where status = 'succeeded';
create index jobs_late_cancels on jobs (account_id, finished_at) where late_cancel;

-- What became of each attempt, for our own cost figures.
create table attempts (
  job_id uuid not null,
  attempt int not null,
  outcome text not null,
  may_have_cost boolean not null,
  model text,
  request_id text,
  input_tokens bigint,
  output_tokens bigint,
  duration_ms bigint,
  claimed_at timestamptz,
  ended_at timestamptz not null,
  primary key (job_id, attempt)
);

-- Idempotency-Key: what a key was used for, and the refusal if that was the answer.
create table request_keys (
  account_id uuid not null,
  key text not null,
  fingerprint bytea not null,
  resource_id uuid,
  refusal json,
  created_at timestamptz not null,
  primary key (account_id, key)
);
create index request_keys_age on request_keys (created_at);

-- Numbers of events come from rows that the writing transaction locks until it commits, never from a sequence:
-- so they become visible in their order.
create table account_streams (
  account_id uuid primary key,
  last_event bigint not null
);

create table events (
  account_id uuid not null,
  account_n bigint not null,
  job_id uuid,
  n bigint,
  type text not null,
  body json not null,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (account_id, account_n),
  check ((job_id is null) = (n is null))
);
create unique index events_of_job on events (job_id, n) where job_id is not null;
create index events_recent on events (recorded_at);

grant select, insert, update on jobs, account_streams, attempts to ${app};
grant select, insert, delete on photos to ${app};
grant select, insert, update, delete on request_keys to ${app};
grant select, insert on events to ${app};
-- Locking a row for one sweep among replicas needs the right to update one column.
grant update (expires_at) on photos to ${app};
