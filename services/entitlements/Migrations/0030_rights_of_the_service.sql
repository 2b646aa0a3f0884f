-- Accounts and sessions are written by functions alone, as everything about credits is.
revoke insert on accounts from ${app};
revoke insert, update on sessions from ${app};
