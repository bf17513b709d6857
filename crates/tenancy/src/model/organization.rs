//! An organisation: the tenant that owns rows.

use std::fmt;

use quoin_kernel::billing::Subject;
use quoin_kernel::{OrgId, Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;

use super::policy::OrgStatus;

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// A name that can be shown: trimmed, 1 to 100 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgName(String);

impl OrgName {
    /// Trims and checks a name; `None` where nothing usable is left.
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim();
        let is_usable = !name.is_empty()
            && name.chars().count() <= MAX_NAME_CHARS
            && !name.chars().any(|c| c.is_control() || is_invisible(c));
        is_usable.then(|| Self(name.to_owned()))
    }

    /// Names the personal organisation of somebody after what is known of them; never fails.
    pub fn personal(hint: &str) -> Self {
        let shown: String = hint.chars().filter(|c| !c.is_control() && !is_invisible(*c)).take(80).collect();
        match shown.trim() {
            "" => Self("Personal".to_owned()),
            name => Self(name.to_owned()),
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes a name into a mail so that no mail program takes a part of it for a link: a mail of ours must not carry
/// somebody else's.
pub fn name_in_mail(name: &str) -> String {
    let name = name.replace("://", " ");
    let mut out = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let joins = c == '.' && chars.peek().is_some_and(|next| next.is_alphanumeric());
        // U+2024 looks like a full stop and ends no host name.
        out.push(if joins { '\u{2024}' } else { c });
    }
    out
}

/// Marks that change the direction of text, or show nothing, could make one name look like another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for OrgName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An organisation to be created.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Its id.
    pub org_id: OrgId,
    /// Its name.
    pub name: OrgName,
    /// Its first owner.
    pub owner: UserId,
    /// By whose plan it is allowed: the owner's active organisation, or themselves.
    pub billed: Subject,
    /// When it is created.
    pub now: Timestamp,
}

/// The personal organisation of a person who signs up.
#[derive(Debug, Clone)]
pub struct NewPersonal {
    /// Its id.
    pub org_id: OrgId,
    /// The person, its owner.
    pub user_id: UserId,
    /// Its name.
    pub name: OrgName,
    /// When it is created.
    pub now: Timestamp,
}

/// An organisation as one of its members sees it.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct Organization {
    /// The organisation.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// True for the caller's own one, which was made with their account.
    pub personal: bool,
    /// The name of the caller's role in it.
    pub role: String,
    /// Whether it can be used.
    pub status: OrgStatus,
    /// When it will be gone, where it is being deleted.
    pub delete_after: Option<Timestamp>,
    /// What its members' tokens say of it.
    pub metadata: Value,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its name or settings last changed.
    pub updated_at: Timestamp,
}
