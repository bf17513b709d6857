//! People out and in, with the hashes of their passwords: page by page, so that a million of them need no memory, and each
//! alone, so that whatever was interrupted can be begun again.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::page::{Listed, Page};
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, OrgId, Problem, Secret, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Identity;
use crate::config::IdentityMode;
use crate::error::IdentityError;
use crate::model::{EmailProof, Metadata, Realm, User};
use crate::service::admin_changes::known_hash;
use crate::service::create_account::create_account;
use crate::store::users_global;

/// How many people one call brings at most.
pub const MAX_AT_ONCE: usize = 500;
/// How many are added in one transaction: nobody else writes meanwhile.
const IN_ONE_TRANSACTION: usize = 25;

/// A person who comes: one line of a file, of ours or of another program's.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrivingUser {
    /// Who they are; drawn where it is missing.
    #[serde(default)]
    pub id: Option<UserId>,
    /// Whose people they are one of, where people belong to one organisation each.
    #[serde(default)]
    pub org_id: Option<OrgId>,
    /// Their address.
    #[serde(default)]
    pub email: Option<EmailAddress>,
    /// When they proved it; null where they have not.
    #[serde(default)]
    pub email_confirmed_at: Option<Timestamp>,
    /// By what; where it is missing, your word.
    #[serde(default)]
    pub email_proof: Option<EmailProof>,
    /// The hash of their password: Argon2id, bcrypt, scrypt, PBKDF2 or Firebase's scrypt.
    #[serde(default)]
    pub password_hash: Option<String>,
    /// What they say of themselves.
    #[serde(default)]
    pub user_metadata: Map<String, Value>,
    /// What only administrators say of them.
    #[serde(default)]
    pub app_metadata: Map<String, Value>,
    /// Until when they may not sign in.
    #[serde(default)]
    pub banned_until: Option<Timestamp>,
    /// When they signed in last.
    #[serde(default)]
    pub last_sign_in_at: Option<Timestamp>,
    /// When the account was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// A person who leaves: one line of a file, which another instance takes as it is.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct LeavingUser {
    /// Who they are.
    pub id: UserId,
    /// Whose people they are one of, where people belong to one organisation each.
    pub org_id: Option<OrgId>,
    /// Their address.
    pub email: Option<EmailAddress>,
    /// When they proved it; null where they have not.
    pub email_confirmed_at: Option<Timestamp>,
    /// By what; null for what was proved before that was noted.
    pub email_proof: Option<EmailProof>,
    /// The hash of their password.
    pub password_hash: Option<String>,
    /// What they say of themselves.
    pub user_metadata: Map<String, Value>,
    /// What only administrators say of them.
    pub app_metadata: Map<String, Value>,
    /// Until when they may not sign in.
    pub banned_until: Option<Timestamp>,
    /// When they signed in last.
    pub last_sign_in_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// What became of the people that a call has brought.
#[derive(Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Imported {
    /// How many accounts were made.
    pub imported: usize,
    /// How many were there already, with the same id or, where none is named, the same address; nothing was changed.
    pub unchanged: usize,
    /// Which were refused.
    pub refused: Vec<RefusedUser>,
}

/// Somebody who was refused.
#[derive(Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct RefusedUser {
    /// Their place in the call, from 0.
    pub index: usize,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub message: String,
}

/// What became of one person.
enum Fate {
    Imported,
    Unchanged,
    Refused(Reason),
}

/// Why somebody is refused.
#[derive(Debug, Clone)]
struct Reason {
    code: String,
    message: String,
}

/// Somebody whose account can be made.
#[derive(Debug, Clone)]
struct Checked {
    user: User,
    /// Whether the file says who they are; otherwise their address does.
    is_named: bool,
}

/// Adds people; each is taken or refused alone, and whoever is there already stays as they are.
///
/// # Errors
/// 400 `validation_failed` for more than [`MAX_AT_ONCE`]; the database's own problems.
pub async fn import_users(
    identity: &Identity,
    users: Vec<ArrivingUser>,
    actor: Actor,
    origin: &Origin,
) -> Result<Imported, Problem> {
    if users.len() > MAX_AT_ONCE {
        let why = "must hold 500 people at most";
        return Err(Problem::invalid(format!("users {why}.")).field("users", why));
    }
    let checked: Vec<_> = users
        .into_iter()
        .map(|user| user.arrive(identity, origin.now).map_err(|problem| Reason::of(&problem)))
        .collect();
    let mut sum = Imported::default();
    for (number, chunk) in checked.chunks(IN_ONE_TRANSACTION).enumerate() {
        let (inside, seen_from) = (identity.clone(), origin.clone());
        let (actor, chunk) = (actor.clone(), chunk.to_vec());
        let fates = identity
            .db()
            .write("identity.user.import", move |tx| {
                let fate = |arriving: &Result<Checked, Reason>| match arriving {
                    Ok(arriving) => settle(tx, &inside, arriving, &actor, &seen_from),
                    Err(reason) => Ok(Fate::Refused(reason.clone())),
                };
                chunk.iter().map(fate).collect::<Result<Vec<_>, Problem>>()
            })
            .await?;
        sum.add(number * IN_ONE_TRANSACTION, fates);
    }
    Ok(sum)
}

/// Lists people with their hashes, in order of their ids; the trail says how many have left.
pub async fn export_users(
    identity: &Identity,
    page: Page,
    actor: Actor,
    origin: &Origin,
) -> Result<Listed<LeavingUser>, Problem> {
    let entry = identity.entry(actor, "identity.users.exported", origin);
    let rows = identity
        .db()
        .write("identity.user.export", move |tx| {
            let rows = users_global::list_after(tx, page.after, page.limit + 1)?;
            quoin_audit::record(tx, &entry.clone().detail(json!({"users": rows.len()})))?;
            Ok::<_, Problem>(rows)
        })
        .await?;
    Ok(Listed::from_rows(rows, page, |user| user.id.uuid(), LeavingUser::from))
}

fn settle(
    tx: &mut Tx<'_>,
    identity: &Identity,
    arriving: &Checked,
    actor: &Actor,
    origin: &Origin,
) -> Result<Fate, Problem> {
    let user = &arriving.user;
    if let Some(org_id) = user.realm.org_id()
        && !quoin_tenancy::is_usable(tx, org_id)?
    {
        return Ok(Fate::Refused(Reason::of(&Problem::not_found("organisation"))));
    }
    if users_global::find(tx, user.id)?.is_some() {
        return Ok(Fate::Unchanged);
    }
    if let Some(email) = &user.email
        && users_global::find_by_email(tx, user.realm, email)?.is_some()
    {
        let taken = || Reason::of(&IdentityError::EmailExists.into());
        return Ok(if arriving.is_named { Fate::Refused(taken()) } else { Fate::Unchanged });
    }
    create_account(tx, identity, user, actor.clone(), origin)?;
    Ok(Fate::Imported)
}

impl ArrivingUser {
    /// Says among whom their address must be free.
    fn realm(&self, identity: &Identity) -> Result<Realm, Problem> {
        match (identity.config().mode, self.org_id) {
            (IdentityMode::Global, None) => Ok(Realm::INSTANCE),
            (IdentityMode::PerOrganization, Some(org_id)) => Ok(Realm::of(org_id)),
            (IdentityMode::Global, Some(_)) => Err(refuse_org("is for identity.mode = \"per_organization\"")),
            (IdentityMode::PerOrganization, None) => Err(refuse_org("is needed")),
        }
    }

    /// Checks everything that a person brings along.
    fn arrive(self, identity: &Identity, now: Timestamp) -> Result<Checked, Problem> {
        let (is_named, realm) = (self.id.is_some(), self.realm(identity)?);
        let id = self.id.unwrap_or_else(|| UserId::new(now, identity.app().rng()));
        let Some(email) = self.email else {
            return Err(Problem::invalid("An account needs an address.").field("email", "is needed"));
        };
        let mut user = User::new(realm, id, email, now);
        user.password_hash = self.password_hash.map(|hash| known_hash(&Secret::new(hash))).transpose()?;
        user.email_confirmed_at = self.email_confirmed_at;
        let proof = self.email_proof.unwrap_or(EmailProof::Administrator);
        user.email_proof = self.email_confirmed_at.map(|_| proof);
        user.user_metadata = Metadata::default().merged(&self.user_metadata, "user_metadata")?;
        user.app_metadata = Metadata::default().merged(&self.app_metadata, "app_metadata")?;
        user.banned_until = self.banned_until;
        user.last_sign_in_at = self.last_sign_in_at;
        user.created_at = self.created_at.unwrap_or(now);
        Ok(Checked { user, is_named })
    }
}

fn refuse_org(why: &'static str) -> Problem {
    Problem::invalid(format!("org_id {why}.")).field("org_id", why)
}

impl From<User> for LeavingUser {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            org_id: user.realm.org_id(),
            email: user.email,
            email_confirmed_at: user.email_confirmed_at,
            email_proof: user.email_proof,
            password_hash: user.password_hash,
            user_metadata: user.user_metadata.object().clone(),
            app_metadata: user.app_metadata.object().clone(),
            banned_until: user.banned_until,
            last_sign_in_at: user.last_sign_in_at,
            created_at: user.created_at,
        }
    }
}

impl Reason {
    fn of(problem: &Problem) -> Self {
        Self { code: problem.code().to_owned(), message: problem.message().to_owned() }
    }
}

impl Imported {
    fn add(&mut self, first: usize, fates: Vec<Fate>) {
        for (place, fate) in fates.into_iter().enumerate() {
            match fate {
                Fate::Imported => self.imported += 1,
                Fate::Unchanged => self.unchanged += 1,
                Fate::Refused(Reason { code, message }) => {
                    self.refused.push(RefusedUser { index: first + place, code, message });
                }
            }
        }
    }
}
