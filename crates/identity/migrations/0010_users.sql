-- People with an account. `email` is the canonical form that kernel::EmailAddress makes, so equality is byte equality.
-- It is missing where somebody is anonymous, or comes through a provider that tells no address.
create table quoin.identity_users (
    id {id} not null primary key,
    email {text},
    is_anonymous {bool} not null,
    email_confirmed_at {time},
    password_hash {text},
    user_metadata {json} not null,
    app_metadata {json} not null,
    new_email {text},
    banned_until {time},
    invited_at {time},
    confirmation_sent_at {time},
    recovery_sent_at {time},
    email_change_sent_at {time},
    last_sign_in_at {time},
    created_at {time} not null,
    updated_at {time} not null
);

create unique index identity_users_email on quoin.identity_users (email);
