-- Stripe repeats an error for a day under the idempotency key of the request that got it. So each attempt at an order's session has a key of
-- its own, and this counts the attempts that ended in such an error.
alter table orders add column checkout_attempt int not null default 0;
grant update (checkout_attempt) on orders to ${app};
