-- A refresh changes no indexed column, so that PostgreSQL writes the new version beside the old one and leaves the
-- indexes alone: an entry added to a page of theirs collides with everybody who has read that page.
drop index identity_sessions_refreshed;
