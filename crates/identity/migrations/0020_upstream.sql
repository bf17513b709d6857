-- Sessions that a provider elsewhere upholds. `upstream_state` is sealed: the provider's refresh token, or what an owed
-- factor is answered with. Whoever asks the provider about a session says so in `upholding_since`, so that nobody else does.
alter table quoin.identity_sessions add column upstream_state {bytes};
alter table quoin.identity_sessions add column owed_factor {text};
alter table quoin.identity_sessions add column upholding_since {time};
alter table quoin.identity_codes add column is_upheld {bool} not null default false;
