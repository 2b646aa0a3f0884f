-- What the provider's tokens cost, in millionths of a US dollar at the prices that the worker was configured with.
alter table attempts add column cost_microdollars bigint;
