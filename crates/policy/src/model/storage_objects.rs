//! `storage.objects`: the one table of Quoin's own that users' policies may guard, with the columns its users know.

use quoin_kernel::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::expression::{Claim, Comparison, Expression};
use super::logical_type::LogicalType;
use super::table::{Column, Schema, Table};

/// The table's name among the users' tables, none of which can have a dot in its own.
pub const NAME: &str = "storage.objects";

/// The column that names an object's bucket.
pub(crate) const BUCKET: &str = "bucket_id";

/// The column that names an object's organisation.
const ORGANISATION: &str = "org_id";

const COLUMNS: [(&str, LogicalType); 9] = [
    ("id", LogicalType::Uuid),
    (BUCKET, LogicalType::Text),
    ("name", LogicalType::Text),
    ("owner", LogicalType::Uuid),
    ("owner_id", LogicalType::Text),
    (ORGANISATION, LogicalType::Uuid),
    ("metadata", LogicalType::Json),
    ("created_at", LogicalType::TimestampTz),
    ("updated_at", LogicalType::TimestampTz),
];

/// An object as policies see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// Its id.
    pub id: Uuid,
    /// Its bucket.
    pub bucket_id: String,
    /// Its name, folders included.
    pub name: String,
    /// The person who stored it.
    pub owner: Option<Uuid>,
    /// The organisation that it belongs to; the owner's own where absent.
    pub org_id: Option<Uuid>,
    /// Size, type and the like, as one JSON object.
    pub metadata: Value,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ObjectRow {
    /// Returns the row as the JSON object that both engines take apart.
    pub(crate) fn to_json(&self, position: usize) -> Value {
        json!({
            "position": position,
            "id": self.id,
            "bucket_id": self.bucket_id,
            "name": self.name,
            "owner": self.owner,
            "owner_id": self.owner.map(|owner| owner.to_string()),
            "org_id": self.org_id,
            "metadata": self.metadata,
            "created_at": self.created_at.to_string(),
            "updated_at": self.updated_at.to_string(),
        })
    }
}

/// Describes the table without its policies.
pub fn table() -> Table {
    let mut table = Table::named(NAME);
    table.row_security = true;
    table.columns = COLUMNS
        .into_iter()
        .map(|(name, kind)| Column {
            name: name.to_owned(),
            kind,
            nullable: true,
            default: None,
            identity: None,
            comment: None,
        })
        .collect();
    table
}

/// Puts the table among the users' tables where it is not yet, so that policies can name it.
pub fn ensure(schema: &mut Schema) {
    schema.entry(NAME.to_owned()).or_insert_with(table);
}

/// Says which objects are a person's own: those of the active organisation, or without one those of the person.
pub(crate) fn home() -> Expression {
    let column = |name: &str, kind| Box::new(Expression::column(name, &kind));
    let org_id = || column(ORGANISATION, LogicalType::Uuid);
    let same = Expression::Distinct(org_id(), Box::new(Expression::Claim(Claim::OrgId))).negated(true);
    let of_an_organisation = Expression::IsNull(org_id()).negated(true);
    let of_the_person = Expression::Compare(
        Comparison::Equal,
        column("owner", LogicalType::Uuid),
        Box::new(Expression::Claim(Claim::Uid)),
    );
    Expression::All(vec![same, Expression::Any(vec![of_an_organisation, of_the_person])])
}

/// Tells whether a condition says itself which organisations it means.
pub(crate) fn names_organisation(condition: &Expression) -> bool {
    let mut names = false;
    condition.walk_rows(0, &mut |part, depth| {
        names |= matches!(part, Expression::Column { level, name, .. } if name == ORGANISATION && *level == depth);
    });
    names
}
