-- What was asked about a customer and has ended holds an address that nobody needs any more.
delete from quoin.payments_intents where state <> 'pending' and target like 'customer:%';
