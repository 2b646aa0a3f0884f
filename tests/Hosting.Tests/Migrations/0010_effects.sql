create table effects (id uuid primary key, seen int not null default 1);
grant select, insert, update on effects to ${app};
