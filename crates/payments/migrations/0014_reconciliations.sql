-- How far a comparison with the providers has come, so that the next one goes on from there.
create table quoin.payments_reconciliations (
    reach {text} not null primary key,
    step {text},
    place {text},
    checked {int} not null,
    repaired {int} not null,
    started_at {time} not null,
    updated_at {time} not null,
    lease_until {time}
);
