//! Using a link or a code: it is consumed once, in the transaction of its effect.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret, rng};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthCode, CodeChallenge, Link, LinkSecrets, Purpose, Realm, User};
use crate::service::apply_link::{Applied, apply_link};
use crate::service::issue_session::{
    IssuedSession, OpenSession, SessionDraft, check_admission, issue_session,
};
use crate::service::limits::{self, Guessed};
use crate::service::realm::concerns;
use crate::service::upstream::gate;
use crate::store::{codes_global, links_global, users_global};

/// What proves that somebody has read the mail.
#[derive(Debug, Clone)]
pub enum LinkProof {
    /// The token of the link.
    Token(Secret<String>),
    /// The code beside it, and the address it was sent to.
    Code {
        /// The address.
        email: EmailAddress,
        /// The eight digits.
        code: Secret<String>,
    },
}

/// How the answer reaches the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In the body, to whoever called.
    Body,
    /// By redirect of a browser; a link of the PKCE flow then gives a code instead of tokens.
    Redirect,
}

/// What a link led to.
#[derive(Debug)]
pub enum Verified {
    /// A session, and what the link was for.
    Session(Box<IssuedSession>, Purpose),
    /// A session that a provider opened.
    SignedIn(Box<IssuedSession>),
    /// An authorization code for the browser that asked for the link.
    Code(Secret<String>),
    /// The other address has to agree too.
    OneOfTwo,
}

/// What happened in the transaction.
enum Used {
    Open(Box<OpenSession>, Purpose),
    Code,
    OneOfTwo,
}

struct Attempt {
    identity: Identity,
    wanted_type: String,
    delivery: Delivery,
    code: Secret<String>,
    origin: Origin,
}

/// Reads what a link is for and whether it still works, and changes nothing: mail scanners open links.
pub async fn peek_link(
    identity: &Identity,
    token: &str,
    wanted_type: &str,
    origin: &Origin,
) -> Result<Purpose, Problem> {
    let hash = LinkSecrets::token_hash(token);
    let link =
        identity.db().read("identity.link.get", move |tx| links_global::find_by_token(tx, &hash)).await?;
    let link = link.filter(|link| link.purpose.answers_to(wanted_type)).ok_or(IdentityError::LinkExpired)?;
    link.check(origin.now)?;
    Ok(link.purpose)
}

/// Consumes a link or code and does what it is for.
///
/// # Errors
/// `otp_expired` for anything that does not work, whatever the reason; `user_banned`; 429 after too many wrong codes.
pub async fn verify_link(
    identity: &Identity,
    proof: LinkProof,
    wanted_type: &str,
    delivery: Delivery,
    origin: &Origin,
) -> Result<Verified, Problem> {
    let attempt = Attempt {
        identity: identity.clone(),
        wanted_type: wanted_type.to_owned(),
        delivery,
        code: Secret::new(rng::token(identity.app().rng())),
        origin: origin.clone(),
    };
    let code = attempt.code.clone();
    let used = match proof {
        LinkProof::Token(token) => by_token(attempt, LinkSecrets::token_hash(token.expose())).await,
        LinkProof::Code { email, code } => by_code(attempt, email, code).await,
    };
    // Of sign-in by mail the log says this much, and never who.
    match &used {
        Ok(_) => tracing::info!(request_id = origin.request_id, "login by mail succeeded"),
        Err(problem) => {
            tracing::info!(request_id = origin.request_id, code = problem.code(), "login by mail failed");
        }
    }
    match used? {
        Used::Open(open, purpose) => {
            Ok(Verified::Session(Box::new(open.sign(identity, origin.now)?), purpose))
        }
        Used::Code => Ok(Verified::Code(code)),
        Used::OneOfTwo => Ok(Verified::OneOfTwo),
    }
}

async fn by_token(attempt: Attempt, hash: [u8; 32]) -> Result<Used, Problem> {
    let db = attempt.identity.db().clone();
    db.write("identity.link.use", move |tx| {
        let link = links_global::find_by_token(tx, &hash)?.ok_or(IdentityError::LinkExpired)?;
        attempt.consume(tx, &link)
    })
    .await
}

/// A wrong code counts against the account, the network address and the links that it might have belonged to.
async fn by_code(attempt: Attempt, email: EmailAddress, code: Secret<String>) -> Result<Used, Problem> {
    let (identity, origin) = (attempt.identity.clone(), attempt.origin.clone());
    let realm = identity.realm(&origin)?;
    let account = realm.account(&email);
    let guessed = Guessed::Password(&account);
    limits::check_failures(&identity, guessed, &origin).await?;
    // Compared and counted in one transaction, one guess after the other: many at once would otherwise all be compared
    // before the first wrong one was counted. A wrong one is no error here, so that its count is committed.
    let used =
        identity.db().write("identity.link.use", move |tx| attempt.guess(tx, (realm, &email), &code)).await?;
    let Some(used) = used else {
        limits::count_failure(&identity, guessed, &origin).await?;
        return Err(IdentityError::LinkExpired.into());
    };
    Ok(used)
}

impl Attempt {
    /// Uses the link whose code this is; counts the guess against every link it might have belonged to where there is
    /// none.
    fn guess(
        &self,
        tx: &mut Tx<'_>,
        sent_to: (Realm, &EmailAddress),
        code: &Secret<String>,
    ) -> Result<Option<Used>, Problem> {
        let (now, master) = (self.origin.now, self.identity.app().master_key());
        let mut links = links_global::list_sent_to(tx, sent_to, now)?;
        links.retain(|link| link.is_alive(now) && link.purpose.answers_to(&self.wanted_type));
        if let Some(link) = links.iter().find(|link| link.has_code(master, code.expose())) {
            return self.consume(tx, link).map(Some);
        }
        for link in &links {
            links_global::update_failures(tx, link.id)?;
        }
        Ok(None)
    }

    fn consume(&self, tx: &mut Tx<'_>, link: &Link) -> Result<Used, Problem> {
        let (identity, origin) = (&self.identity, &self.origin);
        let now = origin.now;
        if !link.purpose.answers_to(&self.wanted_type) {
            return Err(IdentityError::LinkExpired.into());
        }
        link.check(now)?;
        let user = users_global::find(tx, link.user_id)?.filter(|user| concerns(origin, user));
        let user = user.ok_or(IdentityError::LinkExpired)?;
        if !links_global::consume(tx, link.id, now)? {
            return Err(IdentityError::LinkUsed.into());
        }
        let applied = apply_link(tx, identity, user, link, origin)?;
        let entry = identity
            .entry(Actor::User(link.user_id), "identity.link.used", origin)
            .on(link.id)
            .detail(serde_json::json!({"purpose": link.purpose.as_str()}));
        quoin_audit::record(tx, &entry)?;
        match (applied, &link.challenge) {
            (Applied::OneOfTwo, _) => Ok(Used::OneOfTwo),
            (Applied::Done(user), Some(challenge)) if self.delivery == Delivery::Redirect => {
                self.store_code(tx, &user, link.purpose, challenge)
            }
            (Applied::Done(user), _) => {
                let draft = SessionDraft::new(identity, link.purpose.method(), now);
                let landing = landing_of(identity, link.purpose, &user);
                let open = issue_session(tx, identity, *user, &draft, origin)?;
                Ok(Used::Open(Box::new(open), landing))
            }
        }
    }

    fn store_code(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        purpose: Purpose,
        challenge: &CodeChallenge,
    ) -> Result<Used, Problem> {
        let now = self.origin.now;
        check_admission(self.identity.config(), user, now)?;
        gate::check_door(&self.identity, user, (purpose.method(), None), false)?;
        let code = AuthCode {
            sso_org_id: None,
            is_upheld: false,
            user_id: user.id,
            method: purpose.method(),
            challenge: challenge.clone(),
            expires_at: now + self.identity.config().link(),
            session_id: None,
            continues: None,
        };
        codes_global::insert(tx, &sha256(self.code.expose().as_bytes()), &code, now)?;
        Ok(Used::Code)
    }
}

/// Says what the application is told the link was for. A sign-up that others have disputed has left no password: the
/// client then asks for a new one, as after a recovery.
fn landing_of(identity: &Identity, purpose: Purpose, user: &User) -> Purpose {
    let needs_password = identity.config().passwords && user.password_hash.is_none();
    if purpose == Purpose::Signup && needs_password { Purpose::Recovery } else { purpose }
}
