-- What is decided once, at the first start of an instance.
create table quoin.server_instance (
    name {text} not null primary key,
    value {text} not null
);
