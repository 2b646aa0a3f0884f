-- What must always be true of credits (one row for each case where it is not). One statement, so one snapshot: it may run at any time.
create function ledger_violations() returns table (rule text, subject text, found text)
language sql stable as $$
  with entries as (
    select grant_id,
      sum(amount) as balance,
      coalesce(sum(quantity) filter (where kind = 'expire'), 0) as expired,
      coalesce(sum(quantity) filter (where kind = 'capture'), 0) as captured,
      coalesce(sum(amount) filter (where kind = 'grant'), 0) as granted
    from ledger_entries group by grant_id
  ), allocated as (
    select a.grant_id, sum(a.credits) filter (where h.state = 'open') as held, sum(a.captured) as captured
    from hold_allocations a join holds h using (job_id) group by a.grant_id
  ), moved as (
    select job_id, grant_id,
      coalesce(sum(quantity) filter (where kind = 'hold'), 0) as held,
      coalesce(sum(quantity) filter (where kind = 'capture'), 0) as captured,
      coalesce(sum(quantity) filter (where kind = 'release'), 0) as released,
      count(*) as entries, count(distinct kind) as kinds
    from ledger_entries where job_id is not null group by job_id, grant_id
  ), paid as (
    select h.job_id, h.state, h.credits, h.credits_used, coalesce(sum(a.credits), 0) as allocated, coalesce(sum(a.captured), 0) as captured,
      coalesce(sum(a.released), 0) as released
    from holds h left join hold_allocations a using (job_id) where h.taken_at is not null and not h.free group by h.job_id
  ), running as (
    select number, balance_after, sum(amount) over (partition by account_id order by number) as balance from ledger_entries
  )
  select 'entries of a grant sum up to its remaining credits', g.id::text, format('%s entries, %s remaining', coalesce(e.balance, 0), g.remaining)
  from grants g left join entries e on e.grant_id = g.id where coalesce(e.balance, 0) <> g.remaining
  union all
  select 'a grant is on the ledger with what it granted, captured and expired', g.id::text,
    format('granted %s of %s, captured %s of %s, expired %s of %s', e.granted, g.credits, e.captured, g.captured, e.expired, g.expired)
  from grants g left join entries e on e.grant_id = g.id
  where (e.granted, e.captured, e.expired) is distinct from (g.credits::bigint, g.captured::bigint, g.expired::bigint)
  union all
  select 'open allocations of a grant sum up to its held credits', g.id::text, format('%s allocated, %s held', coalesce(a.held, 0), g.held)
  from grants g left join allocated a on a.grant_id = g.id where coalesce(a.held, 0) <> g.held
  union all
  select 'nothing is negative, and every credit is somewhere', g.id::text, g::text
  from grants g
  where least(g.remaining, g.held, g.captured, g.expired, g.revoked_by_payment, g.revoked_by_support) < 0
    or g.credits + g.adjusted <> g.remaining + g.held + g.captured + g.expired + g.revoked_by_payment + g.revoked_by_support
  union all
  select 'a hold is allocated whole, and settled whole', p.job_id::text, p::text
  from paid p
  where p.allocated <> p.credits
    or (p.state = 'open' and p.captured + p.released <> 0)
    or (p.state = 'settled' and (p.captured <> p.credits_used or p.captured + p.released <> p.credits))
  union all
  select 'an allocation is on the ledger, and settled at most once', coalesce(a.job_id, m.job_id)::text, concat_ws(' against ', a::text, m::text)
  from hold_allocations a full join moved m on m.job_id = a.job_id and m.grant_id = a.grant_id
  where (a.credits, a.captured, a.released) is distinct from (m.held::int, m.captured::int, m.released::int) or m.entries <> m.kinds
  union all
  select 'each entry tells the balance after it', r.number::text, format('%s told, %s summed', r.balance_after, r.balance)
  from running r where r.balance_after <> r.balance
  union all
  select 'a free hold, and no other, counts against a household', coalesce(h.job_id, u.job_id)::text, u::text
  from (select * from holds where free) h full join free_usages u on u.job_id = h.job_id
  where h.job_id is null or u.job_id is null or u.pictures > h.variations or (h.state = 'open' and u.pictures <> h.variations)
  union all
  select 'the day counts what its households count', coalesce(d.day, u.day)::text, format('%s by day, %s by household', d.pictures, u.pictures)
  from free_days d full join (select free_day(used_at) as day, sum(pictures) as pictures from free_usages group by 1) u on u.day = d.day
  where coalesce(d.pictures, 0) <> coalesce(u.pictures, 0)
$$;
revoke all on function ledger_violations from public;
grant execute on function ledger_violations to ${app};
