//! The view `profiles`: what people of one organisation see of each other through the Database API.

use quoin_web::{ExposedView, LogicalType};

/// Describes the view: a row for each person and organisation they belong to, with the name and picture that they give
/// themselves.
///
/// Whoever serves it shows the rows of the active organisation only (`org_id = auth.org_id()`): every member once, the
/// caller among them.
pub fn profiles_view() -> ExposedView {
    ExposedView {
        name: "profiles",
        columns: &[
            ("id", LogicalType::Id),
            ("org_id", LogicalType::Id),
            ("name", LogicalType::Text),
            ("avatar_url", LogicalType::Text),
            ("created_at", LogicalType::Time),
        ],
        select: "select u.id, m.org_id, u.user_metadata ->> 'name' as name,
            u.user_metadata ->> 'avatar_url' as avatar_url, u.created_at
            from quoin.identity_users u join quoin.tenancy_memberships m on m.user_id = u.id",
    }
}
