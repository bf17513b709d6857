-- What the users' migrations were, each once.
create table quoin.data_migrations (
    position {int} not null primary key,
    name {text} not null,
    checksum {text} not null,
    sql {text} not null,
    applied_at {time} not null
);
create unique index data_migrations_name on quoin.data_migrations (name);

-- The users' tables as documents. Only SQLite needs them: PostgreSQL's own catalogue says the same.
create table quoin.data_tables (
    name {text} not null primary key,
    document {json} not null
);

-- One row whose version grows with every migration, so that other nodes notice cheaply.
create table quoin.data_catalogue (
    id {int} not null primary key,
    version {int} not null
);
insert into quoin.data_catalogue (id, version) values (1, 0);
