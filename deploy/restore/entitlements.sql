-- Says again what billing and staging-api have to know of accounts: every one that was merged into another. What is known already
-- changes nothing.
--
--   psql --dbname=entitlements --file=deploy/restore/entitlements.sql
insert into outbox (message_type, body)
select 'AccountMerged', jsonb_build_object('from', id, 'into', merged_into) from accounts where merged_into is not null;
