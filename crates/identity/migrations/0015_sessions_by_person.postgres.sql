-- A refresh changes no indexed column, so that PostgreSQL writes the new version beside the old one, where there is room
-- on its page, and leaves the indexes alone: an entry added to a page of theirs collides with everybody who has read it.
drop index quoin.identity_sessions_refreshed;
alter table quoin.identity_sessions set (fillfactor = 60);
