//! The read-only views that the users' own queries may join: plans, and the active organisation's subscriptions and
//! entitlements.

use quoin_web::{ExposedView, LogicalType};

/// Describes the views. Whoever serves them shows the rows of the active organisation only.
pub fn views() -> Vec<ExposedView> {
    vec![plans(), subscriptions(), entitlements()]
}

/// The plans on sale, each once for the organisation that asks.
fn plans() -> ExposedView {
    ExposedView {
        name: "plans",
        columns: &[
            ("org_id", LogicalType::Id),
            ("id", LogicalType::Text),
            ("name", LogicalType::Text),
            ("description", LogicalType::Text),
            ("entitlements", LogicalType::Json),
        ],
        select: "select o.id as org_id, p.id, p.name, p.description, p.entitlements
            from quoin.payments_plans p cross join quoin.tenancy_organizations o where p.active",
    }
}

fn subscriptions() -> ExposedView {
    ExposedView {
        name: "subscriptions",
        columns: &[
            ("id", LogicalType::Id),
            ("org_id", LogicalType::Id),
            ("plan", LogicalType::Text),
            ("status", LogicalType::Text),
            ("access", LogicalType::Text),
            ("quantity", LogicalType::Int),
            ("current_period_end", LogicalType::Time),
            ("cancel_at", LogicalType::Time),
            ("created_at", LogicalType::Time),
        ],
        select: "select id, subject_id as org_id, plan_id as plan, status, access, quantity, current_period_end, cancel_at,
            created_at from quoin.payments_subscriptions where subject_kind = 'org'",
    }
}

fn entitlements() -> ExposedView {
    ExposedView {
        name: "entitlements",
        columns: &[
            ("org_id", LogicalType::Id),
            ("name", LogicalType::Text),
            ("plan", LogicalType::Text),
            ("value", LogicalType::Json),
            ("allowed", LogicalType::Int),
            ("mode", LogicalType::Text),
            ("used", LogicalType::Int),
        ],
        select: "select subject_id as org_id, name, plan_id as plan, value, allowed, mode, used
            from quoin.payments_entitlements where subject_kind = 'org'",
    }
}
