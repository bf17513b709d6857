//! What administrators see of people.

use quoin_kernel::{OrgId, Problem, UserId};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Realm, User};
use crate::store::users_global;

/// A page of people as the contract numbers pages, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedPage {
    /// Which page.
    pub number: u32,
    /// How many people it holds at most.
    pub size: u32,
}

/// How many people a page holds at most.
const MAX_PAGE_SIZE: u32 = 1000;
const DEFAULT_PAGE_SIZE: u32 = 50;

impl NumberedPage {
    /// Checks what a client sent; an empty text counts as nothing, because clients of the contract send that.
    ///
    /// # Errors
    /// 400 `validation_failed` naming the parameter.
    pub fn from_client(page: Option<&str>, per_page: Option<&str>) -> Result<Self, Problem> {
        let number = read("page", page, 1, u32::MAX)?;
        let size = read("per_page", per_page, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?;
        Ok(Self { number, size })
    }

    fn offset(self) -> i64 {
        i64::from(self.number - 1) * i64::from(self.size)
    }

    /// Returns the number of the last page of `total` people, at least 1.
    pub fn last(self, total: i64) -> i64 {
        let size = i64::from(self.size);
        ((total + size - 1) / size).max(1)
    }
}

fn read(name: &'static str, text: Option<&str>, default: u32, most: u32) -> Result<u32, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(default) };
    text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let why = format!("must be a number from 1 to {most}");
        Problem::invalid(format!("{name} {why}.")).field(name, why)
    })
}

/// Lists people, newest first, of one organisation where they belong to one each, or all; and counts them.
pub async fn list_users(
    identity: &Identity,
    org_id: Option<OrgId>,
    page: NumberedPage,
) -> Result<(Vec<User>, i64), Problem> {
    let realm = org_id.map(Realm::of);
    identity
        .db()
        .read("identity.user.list", move |tx| {
            Ok((users_global::list(tx, realm, page.size, page.offset())?, users_global::count(tx, realm)?))
        })
        .await
}

/// Reads one person.
///
/// # Errors
/// `user_not_found`.
pub async fn get_user(identity: &Identity, id: UserId) -> Result<User, Problem> {
    let found = identity.db().read("identity.user.get", move |tx| users_global::find(tx, id)).await?;
    Ok(found.ok_or(IdentityError::UserNotFound)?)
}
