//! Shapes that several objects share.

use crate::fields::{Field, flag, object, text};

/// A postal address.
pub(crate) const ADDRESS: &[Field] =
    &[text("city"), text("country"), text("line1"), text("line2"), text("postal_code"), text("state")];

/// Who pays, as a form asks for it.
pub(crate) const BILLING_DETAILS: &[Field] =
    &[object("address", ADDRESS), text("email"), text("name"), text("phone")];

/// Where goods go.
pub(crate) const SHIPPING: &[Field] = &[object("address", ADDRESS), text("name"), text("phone")];

/// Tax computed by Stripe. The twin computes none: it accepts `enabled` and finds no tax.
pub(crate) const AUTOMATIC_TAX: &[Field] = &[flag("enabled").required()];
