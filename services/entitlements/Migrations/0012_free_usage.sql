-- One row for each household, to be locked: two holds at once cannot both take the last free staging.
create table free_addresses (
  address_hash text primary key
);

-- Pictures that a free hold counts against its household: all asked for while it is open, those delivered once it is settled.
create table free_usages (
  job_id uuid primary key references holds (job_id),
  address_hash text not null references free_addresses (address_hash),
  pictures int not null check (pictures >= 0),
  used_at timestamptz not null
);
create index free_usages_window on free_usages (address_hash, used_at);

-- The same pictures by day (UTC) over the whole installation, for the daily budget.
create table free_days (
  day date primary key,
  pictures int not null check (pictures >= 0)
);

create function free_day(p_at timestamptz) returns date
language sql immutable as $$ select (p_at at time zone 'UTC')::date $$;

-- How many pictures this household may still have for nothing, now.
create function free_stagings_left(p_address_hash text, p_limit int, p_window interval, p_daily_budget int, p_now timestamptz) returns int
language sql stable as $$
  select greatest(0, least(
    p_limit - coalesce((select sum(u.pictures) from free_usages u where u.address_hash = p_address_hash and u.used_at > p_now - p_window), 0),
    p_daily_budget - coalesce((select d.pictures from free_days d where d.day = free_day(p_now)), 0)))::int
$$;
revoke all on function free_day, free_stagings_left from public;
grant execute on function free_day, free_stagings_left to ${app};

grant select on free_addresses, free_usages, free_days to ${app};
