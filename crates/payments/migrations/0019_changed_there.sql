-- Whether somebody changed a plan at the provider since it was last written here: the file does not overwrite that unasked.
alter table quoin.payments_plans add column changed_there {bool};
