-- What some models can be asked for beyond the quality, and the staging whose photo was used again.
alter table jobs
  add column format text not null default 'jpeg',
  add column size text,
  add column seed int,
  add column source_id uuid;
