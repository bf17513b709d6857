-- Keys that sign or verify access tokens. Retired keys stay listed until the last token they signed has expired.
create table quoin.identity_signing_keys (
    kid {text} not null primary key,
    algorithm {text} not null,
    public_jwk {json},
    sealed_private {bytes},
    is_current {bool} not null,
    created_at {time} not null,
    expires_at {time}
);
