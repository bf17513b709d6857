//! Making links and codes, and sending them to the one address they are bound to.

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Language, Problem, Secret, Timestamp};
use url::Url;

use crate::Identity;
use crate::model::{CodeChallenge, Link, LinkEnding, LinkId, LinkSecrets, Purpose, User};
use crate::service::letters::{self, Letter};
use crate::store::links_global;

/// A link that is drawn before its transaction.
#[derive(Debug, Clone)]
pub(crate) struct LinkDraft {
    id: LinkId,
    secrets: LinkSecrets,
    purpose: Purpose,
    challenge: Option<CodeChallenge>,
    redirect_to: Option<String>,
    page: Option<&'static str>,
    language: Option<Language>,
    expires_at: Option<Timestamp>,
}

/// What whoever asked for a link wants besides.
#[derive(Debug, Clone, Default)]
pub struct LinkWishes {
    /// Where the person shall land; ignored unless it is allowed.
    pub redirect_to: Option<String>,
    /// What the browser that asked must be able to answer, where the client uses PKCE.
    pub challenge: Option<CodeChallenge>,
    /// The path of the page that the link opens; the API's own page where none is named.
    pub page: Option<&'static str>,
}

impl LinkDraft {
    /// Draws id and secrets. The mail comes in the reader's language, else in the one that the link is asked for in.
    pub(crate) fn new(identity: &Identity, purpose: Purpose, wishes: &LinkWishes, origin: &Origin) -> Self {
        let (app, redirect_to) = (identity.app(), wishes.redirect_to.as_deref());
        let allowed = redirect_to.and_then(|target| app.config().allowed_redirect(target));
        Self {
            id: LinkId::new(origin.now, app.rng()),
            secrets: LinkSecrets::draw(app.rng()),
            purpose,
            challenge: wishes.challenge.clone(),
            redirect_to: allowed.map(String::from),
            page: wishes.page,
            language: origin.language,
            expires_at: None,
        }
    }

    /// Returns the language in which the link is asked for.
    pub(crate) const fn language(&self) -> Option<Language> {
        self.language
    }

    /// Takes a token that somebody else has drawn and mails.
    pub(crate) fn with_token(mut self, token: Secret<String>, expires_at: Timestamp) -> Self {
        self.secrets.token = token;
        self.expires_at = Some(expires_at);
        self
    }

    /// Returns the hash under which the link's token is found.
    pub(crate) fn token_hash(&self) -> [u8; 32] {
        LinkSecrets::token_hash(self.secrets.token.expose())
    }

    /// Returns the id that the link will have.
    pub(crate) const fn id(&self) -> LinkId {
        self.id
    }

    /// Returns the two secrets.
    pub(crate) const fn secrets(&self) -> &LinkSecrets {
        &self.secrets
    }

    /// Returns where the person will land.
    pub(crate) fn redirect_to(&self, identity: &Identity) -> Url {
        identity.app().config().redirect_or_site(self.redirect_to.as_deref())
    }

    /// Builds the URL that a person opens: below the configured public URL, never from a request's Host.
    pub(crate) fn url(&self, identity: &Identity) -> Url {
        let mut url = identity.app().config().link(self.page.unwrap_or("/auth/v1/verify"));
        let mut query = url.query_pairs_mut();
        query.append_pair("token", self.secrets.token.expose());
        query.append_pair("type", self.purpose.verification_type());
        if let Some(target) = &self.redirect_to {
            query.append_pair("redirect_to", target);
        }
        if let Some(challenge) = self.challenge.as_ref().filter(|_| self.page.is_some()) {
            query.append_pair("code_challenge", challenge.as_str());
            query.append_pair("code_challenge_method", "s256");
        }
        drop(query);
        url
    }
}

/// Writes a link down; older ones of the same purpose are dead from then on.
pub(crate) fn store_link(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    to: &EmailAddress,
    draft: &LinkDraft,
    now: Timestamp,
) -> Result<(), Problem> {
    links_global::end_of_purpose(tx, user.id, draft.purpose, LinkEnding::Replaced, now)?;
    let secrets = &draft.secrets;
    let link = Link {
        id: draft.id,
        user_id: user.id,
        purpose: draft.purpose,
        email: to.clone(),
        token_hash: LinkSecrets::token_hash(secrets.token.expose()),
        code_mac: LinkSecrets::code_mac(identity.app().master_key(), draft.id, secrets.code.expose()),
        code_failures: 0,
        // A page of ours finishes the journey itself, second factor included, and makes the code then.
        challenge: draft.challenge.clone().filter(|_| draft.page.is_none()),
        created_at: now,
        expires_at: draft.expires_at.unwrap_or(now + identity.config().link()),
        ended: None,
    };
    Ok(links_global::insert(tx, &link)?)
}

/// Writes a link down and queues the mail that carries it, in one transaction.
pub(crate) fn send_link(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    to: &EmailAddress,
    draft: &LinkDraft,
    now: Timestamp,
) -> Result<(), Problem> {
    store_link(tx, identity, user, to, draft, now)?;
    let letter =
        Letter::Link { purpose: draft.purpose, url: draft.url(identity), code: draft.secrets.code.clone() };
    let reader = (user.realm, to, user.language().or(draft.language));
    letters::send(tx, identity, reader, &letter, now)
}
