-- What must always be true of credits (one row for each case where it is not). One statement, so one snapshot: it may run at any time.
create or replace function ledger_violations() returns table (rule text, subject text, found text)
language sql stable as $$
  with entries as (
    select grant_id,
      sum(amount) as balance,
      coalesce(sum(amount) filter (where kind = 'grant'), 0) as granted,
      coalesce(sum(amount) filter (where kind = 'adjust'), 0) as adjusted,
      coalesce(sum(quantity) filter (where kind = 'capture'), 0) as captured,
      coalesce(-sum(amount) filter (where kind in ('revoke', 'restore') and actor = 'billing'), 0) as revoked_by_payment,
      coalesce(-sum(amount) filter (where kind = 'expire' or (kind in ('revoke', 'restore') and actor <> 'billing')), 0) as gone_otherwise,
      coalesce(sum(case kind when 'freeze' then 1 when 'thaw' then -1 else 0 end), 0) as freezes
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
  ), refunds as (
    select g.id, g.remaining, g.revoked_by_payment, coalesce(case when a.amount_paid = 0 then 0
      else (g.credits * a.amount_returned + a.amount_paid - 1) / a.amount_paid end, 0) as target
    from grants g left join payment_adjustments a using (order_id)
  )
  select 'entries of a grant sum up to its remaining credits', g.id::text, format('%s entries, %s remaining', coalesce(e.balance, 0), g.remaining)
  from grants g left join entries e on e.grant_id = g.id where coalesce(e.balance, 0) <> g.remaining
  union all
  select 'a grant is on the ledger with all that became of it', g.id::text,
    format('granted %s of %s, adjusted %s of %s, captured %s of %s, revoked by payment %s of %s, expired or revoked by support %s of %s', e.granted, g.credits,
      e.adjusted, g.adjusted, e.captured, g.captured, e.revoked_by_payment, g.revoked_by_payment, e.gone_otherwise, g.expired + g.revoked_by_support)
  from grants g left join entries e on e.grant_id = g.id
  where (e.granted, e.adjusted, e.captured, e.revoked_by_payment, e.gone_otherwise)
    is distinct from (g.credits::bigint, g.adjusted::bigint, g.captured::bigint, g.revoked_by_payment::bigint, (g.expired + g.revoked_by_support)::bigint)
  union all
  select 'open allocations of a grant sum up to its held credits', g.id::text, format('%s allocated, %s held', coalesce(a.held, 0), g.held)
  from grants g left join allocated a on a.grant_id = g.id where coalesce(a.held, 0) <> g.held
  union all
  select 'nothing is negative, and every credit is somewhere', g.id::text, g::text
  from grants g
  where least(g.remaining, g.held, g.captured, g.expired, g.revoked_by_payment, g.revoked_by_support) < 0
    or g.credits + g.adjusted <> g.remaining + g.held + g.captured + g.expired + g.revoked_by_payment + g.revoked_by_support
  union all
  select 'what belongs to returned money is taken back, as far as it is there, and no more', r.id::text,
    format('%s to revoke, %s revoked, %s remaining', r.target, r.revoked_by_payment, r.remaining)
  from refunds r where r.revoked_by_payment <> least(r.target, r.remaining + r.revoked_by_payment)
  union all
  select 'a grant is frozen while its payment is disputed or its account is frozen, and at no other time', g.id::text,
    format('reasons %s, dispute %s, account %s, %s freezes more than thaws', g.frozen_reasons, p.dispute_open, a.frozen, e.freezes)
  from grants g join accounts a on a.id = g.account_id left join payment_adjustments p using (order_id) left join entries e on e.grant_id = g.id
  where ('dispute' = any (g.frozen_reasons)) <> coalesce(p.dispute_open, false)
    or ('support' = any (g.frozen_reasons)) <> a.frozen
    or coalesce(e.freezes, 0) <> case when g.frozen_at is null then 0 else 1 end
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
  select 'a hold takes only credits of its own account', a.job_id::text, a::text
  from hold_allocations a join holds h using (job_id) join grants g on g.id = a.grant_id join accounts o on o.id = h.account_id
  where g.account_id <> coalesce(o.merged_into, o.id)
  union all
  select 'each entry tells the balance after it', r.number::text, format('%s told, %s summed', r.balance_after, r.balance)
  from running r where r.balance_after <> r.balance
  union all
  select 'an account that was merged has nothing left, nobody signs in to it, and it names the one that has all', f.id::text, f::text
  from accounts f join accounts i on i.id = f.merged_into
  where i.merged_into is not null or f.frozen
    or exists (select 1 from grants g where g.account_id = f.id)
    or exists (select 1 from identities s where s.account_id = f.id)
    or coalesce((select sum(e.amount) from ledger_entries e where e.account_id = f.id), 0) <> 0
  union all
  select 'what a merge takes from one account it gives to another', e.grant_id::text, format('%s of %s entries are missing', abs(sum(e.amount)), count(*))
  from ledger_entries e where e.kind = 'merge' group by e.grant_id, e.at having sum(e.amount) <> 0 or count(*) % 2 <> 0
  union all
  select 'what a person did is in the audit, with the same time', e.number::text, format('%s by %s at %s', e.kind, e.actor, e.at)
  from ledger_entries e
  where e.actor not in ('billing', 'staging-api', 'system')
    and not exists (select 1 from support_audit s where s.actor = e.actor and s.at = e.at)
  union all
  select 'a free hold, and no other, counts against a household', coalesce(h.job_id, u.job_id)::text, u::text
  from (select * from holds where free) h full join free_usages u on u.job_id = h.job_id
  where h.job_id is null or u.job_id is null or u.pictures > h.variations or (h.state = 'open' and u.pictures <> h.variations)
  union all
  select 'the day counts what its households count', coalesce(d.day, u.day)::text, format('%s by day, %s by household', d.pictures, u.pictures)
  from free_days d full join (select free_day(used_at) as day, sum(pictures) as pictures from free_usages group by 1) u on u.day = d.day
  where coalesce(d.pictures, 0) <> coalesce(u.pictures, 0)
$$;
