-- What an account holds now, for support. Only open holds are in it, so it stays small; a settlement, which takes its hold out of it, writes
-- the row anew instead of in place, once.
create index holds_open on holds (account_id) where state = 'open';
