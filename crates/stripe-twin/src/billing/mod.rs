//! Money and time: amounts, periods, payments, invoices, the life of a subscription.
//!
//! Reading order: [`decimal`] and [`calendar`], [`amounts`], [`cards`] and [`payment`] (what a card answers), [`balance`],
//! [`lines`] and [`invoicing`] (what is billed), [`collection`] (how it is collected), [`lifecycle`] (what a subscription
//! goes through), [`proration`] (what a change in the middle costs).

pub(crate) mod amounts;
pub(crate) mod balance;
pub(crate) mod calendar;
pub(crate) mod cards;
pub(crate) mod collection;
pub(crate) mod decimal;
pub(crate) mod invoicing;
pub(crate) mod lifecycle;
pub(crate) mod lines;
pub(crate) mod payment;
pub(crate) mod proration;
