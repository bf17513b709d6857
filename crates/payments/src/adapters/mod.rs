//! Providers: Stripe over HTTP, and invoices by bank transfer kept in our own books.

pub mod manual;
pub mod stripe;
