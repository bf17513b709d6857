-- A code that hands a session of the pages over to an application, second factor included.
alter table quoin.identity_codes add column continues_session_id {id};
