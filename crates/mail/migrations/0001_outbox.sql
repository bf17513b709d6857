-- Mails that somebody has asked for. No body is ever stored; address, parameters and sealed secrets are erased when the
-- mail has been sent or has failed for good, and the row goes soon after.
create table quoin.mail_outbox (
    id {id} not null primary key,
    state {text} not null check (state in ('requested', 'sent', 'failed')),
    template {text} not null,
    language {text} not null,
    to_address {text},
    params {json},
    secrets {bytes},
    org_id {id},
    requested_at {time} not null,
    finished_at {time}
);

create index mail_outbox_address on quoin.mail_outbox (to_address) where to_address is not null;
create index mail_outbox_finished on quoin.mail_outbox (finished_at) where finished_at is not null;

-- The development mailbox: whole mails, instead of sending them. Empty in production.
create table quoin.mail_mailbox (
    id {id} not null primary key,
    to_address {text} not null,
    subject {text} not null,
    body_text {text} not null,
    body_html {text} not null,
    links {json} not null,
    sent_at {time} not null
);

create index mail_mailbox_address on quoin.mail_mailbox (to_address, id);
