-- Says again what entitlements has to know of orders: every payment since the time given, and how every payment that changed since it
-- was made stands now. What is known already changes nothing.
--
--   psql --dbname=billing --set=since='2026-01-31 04:00Z' --file=deploy/restore/billing.sql
--
-- A restore code's hash is not among it, because its key is not in the database: the code of an order whose credits are granted by this
-- message opens nothing.
insert into outbox (message_type, body)
select 'PaymentCompleted', jsonb_build_object(
  'orderId', id, 'accountId', account_id, 'plan', plan, 'credits', credits, 'validForDays', duration_days,
  'paidAt', paid_at, 'amount', amount_paid, 'currency', currency)
from orders where paid_at >= :'since' order by paid_at;

insert into outbox (message_type, body)
select 'PaymentAdjusted', jsonb_build_object(
  'orderId', id, 'amountPaid', amount_paid, 'amountReturned', least(amount_refunded + amount_lost, amount_paid),
  'disputeOpen', dispute_open, 'revision', revision)
from orders where paid_at is not null and revision > 1 order by paid_at;
