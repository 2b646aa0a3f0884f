-- Says again what entitlements has to know of jobs: how every one that ended since the time given is settled. What is settled already
-- stays as it is.
--
--   psql --dbname=staging --set=since='2026-01-31 04:00Z' --file=deploy/restore/staging.sql
insert into outbox (message_type, body)
select 'StagingSettled', jsonb_build_object('jobId', id, 'accountId', account_id, 'creditsUsed', credits_used, 'outcome', status)
from jobs where finished_at >= :'since' order by finished_at;
