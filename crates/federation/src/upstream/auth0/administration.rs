//! Auth0's administration of accounts, and what its database connections do for people without one.

use http::Method;
use openidconnect::HttpRequest;
use quoin_identity::model::{Attested, AttestedOrganization};
use quoin_identity::port::{NewPerson, PersonChanges, Registered, StoreError};
use quoin_kernel::Secret;
use serde_json::{Value, json};
use url::Url;

use super::{Auth0, answers};
use crate::token::attested;
use crate::upstream::way::{self, Answer, below, lacks};

/// What is said where nobody may administer.
const NOBODY: &str = "accounts are not administered (identity.upstream.administer)";
/// How many organisations are asked for at once: the most that the API gives.
const PER_PAGE: usize = 100;
/// How many pages are read: the API gives no more than a thousand by pages.
const MOST_PAGES: usize = 10;

impl Auth0 {
    /// Signs somebody up, as a database connection lets people do.
    pub(super) async fn register(&self, person: &NewPerson) -> Result<Registered, StoreError> {
        let mut body = json!({
            "client_id": self.provider.client_id,
            "connection": self.connection,
            "email": person.email.as_str(),
        });
        if let Some(password) = &person.password {
            body["password"] = json!(password.expose());
        }
        if let Some(username) = &person.username {
            body["username"] = json!(username);
        }
        let url = below(&self.base, &["dbconnections", "signup"]);
        let answer = self.send(way::json(Method::POST, &url, Some(&body))).await?;
        if !answer.is_ok() {
            return Err(answers::of_sign_up(&answer));
        }
        // The id of a database's account stands behind the name of the kind of connection.
        Ok(Registered { subject: format!("auth0|{}", answer.needed("_id")?) })
    }

    /// Has the provider mail a link to its page for a new password; it answers alike for everybody.
    pub(super) async fn mail_reset(&self, name: &str) -> Result<(), StoreError> {
        let body =
            json!({"client_id": self.provider.client_id, "connection": self.connection, "email": name});
        let url = below(&self.base, &["dbconnections", "change_password"]);
        let answer = self.send(way::json(Method::POST, &url, Some(&body))).await?;
        if answer.is_ok() { Ok(()) } else { Err(answers::of_sign_up(&answer)) }
    }

    /// Has the provider mail its confirmation.
    pub(super) async fn mail_confirmation(&self, name: &str) -> Result<(), StoreError> {
        let user = self.find(name).await?;
        let id = user["user_id"].as_str().ok_or_else(|| lacks("user_id"))?;
        let (url, body) = (self.api(&["jobs", "verification-email"]), json!({"user_id": id}));
        self.administer(|| way::json(Method::POST, &url, Some(&body))).await.map(drop)
    }

    /// Sends a call as administrator; once more with a new token where the present one is refused.
    async fn administer(&self, request: impl Fn() -> HttpRequest) -> Result<Answer, StoreError> {
        let administrator = self.administrator.as_ref().ok_or(StoreError::NotOffered(NOBODY))?;
        for is_last in [false, true] {
            let token = administrator.token(&self.tokens.client).await?;
            let answer = self.send(way::bearing(request(), token.expose())?).await?;
            match answer.status {
                401 if !is_last => administrator.forget(),
                _ if answer.is_ok() => return Ok(answer),
                _ => return Err(answers::of_administration(&answer)),
            }
        }
        Err(StoreError::Unreachable("it refuses its own token".to_owned()))
    }

    fn api(&self, segments: &[&str]) -> Url {
        below(&self.base, &[&["api", "v2"], segments].concat())
    }

    async fn patch(&self, subject: &str, body: Value) -> Result<(), StoreError> {
        let url = self.api(&["users", subject]);
        self.administer(|| way::json(Method::PATCH, &url, Some(&body))).await.map(drop)
    }

    /// Finds whose user name or address this is, among the accounts of the one connection.
    async fn find(&self, name: &str) -> Result<Value, StoreError> {
        let is_address = name.contains('@');
        let mut url = if is_address { self.api(&["users-by-email"]) } else { self.api(&["users"]) };
        if is_address {
            url.query_pairs_mut().append_pair("email", &name.to_lowercase());
        } else if name.contains(['"', '\\']) {
            // No user name has them, and they must not change the query.
            return Err(StoreError::NoSuchPerson);
        } else {
            let query = format!("username:\"{name}\"");
            url.query_pairs_mut().append_pair("q", &query).append_pair("search_engine", "v3");
        }
        let answer = self.administer(|| way::json(Method::GET, &url, None)).await?;
        let list = answer.body.as_array().ok_or_else(|| lacks("list of people"))?;
        let is_ours = |user: &&Value| {
            let identities = user["identities"].as_array().into_iter().flatten();
            identities.into_iter().any(|one| one["connection"] == json!(self.connection))
        };
        list.iter().find(is_ours).cloned().ok_or(StoreError::NoSuchPerson)
    }

    /// Reads whose account a name is, as the administration knows them.
    pub(super) async fn look_up(&self, name: &str) -> Result<Attested, StoreError> {
        let user = self.find(name).await?;
        let mut said = user.as_object().cloned().ok_or_else(|| lacks("account"))?;
        let id = said.get("user_id").cloned().ok_or_else(|| lacks("user_id"))?;
        said.insert("sub".to_owned(), id);
        attested(&self.provider.issuer, &said).map_err(StoreError::Refused)
    }

    /// Lists where somebody belongs, all of it; `None` where nobody may administer.
    pub(super) async fn organizations_of(
        &self,
        subject: &str,
    ) -> Result<Option<Vec<AttestedOrganization>>, StoreError> {
        if self.administrator.is_none() {
            return Ok(None);
        }
        let mut all: Vec<AttestedOrganization> = Vec::new();
        for page in 0..MOST_PAGES {
            let mut url = self.api(&["users", subject, "organizations"]);
            url.query_pairs_mut()
                .append_pair("page", &page.to_string())
                .append_pair("per_page", &PER_PAGE.to_string())
                .append_pair("include_totals", "true");
            let answer = self.administer(|| way::json(Method::GET, &url, None)).await?;
            let read = answers::organizations(&answer)?;
            let (is_short, is_empty) = (read.len() < PER_PAGE, read.is_empty());
            for organization in read {
                // A list that changes while it is read repeats itself.
                if !all.contains(&organization) {
                    all.push(organization);
                }
            }
            match answers::total(&answer) {
                Some(total) if all.len() >= total => return Ok(Some(all)),
                Some(_) if is_empty => break,
                None if is_short => return Ok(Some(all)),
                _ => {}
            }
        }
        // Part of the list must not be taken for the whole: whoever is not on it leaves.
        Err(StoreError::Unreachable("its list of organisations has no end".to_owned()))
    }

    /// Tells whether an account may be used.
    pub(super) async fn look_at(&self, subject: &str) -> Result<bool, StoreError> {
        let url = self.api(&["users", subject]);
        match self.administer(|| way::json(Method::GET, &url, None)).await {
            Ok(answer) => {
                Ok(answer.text("user_id") == Some(subject) && answer.body["blocked"] != json!(true))
            }
            Err(StoreError::NoSuchPerson) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes an account.
    pub(super) async fn make(&self, person: &NewPerson) -> Result<Registered, StoreError> {
        let needed = StoreError::NotOffered("an account of Auth0's database needs a password");
        let password = person.password.as_ref().ok_or(needed)?;
        let mut body = json!({
            "connection": self.connection,
            "email": person.email.as_str(),
            "password": password.expose(),
            "email_verified": person.email_verified,
            "verify_email": false,
        });
        if let Some(username) = &person.username {
            body["username"] = json!(username);
        }
        let url = self.api(&["users"]);
        let answer = self.administer(|| way::json(Method::POST, &url, Some(&body))).await?;
        Ok(Registered { subject: answer.needed("user_id")?.to_owned() })
    }

    /// Sets a password.
    pub(super) async fn set_password(&self, subject: &str, new: &Secret<String>) -> Result<(), StoreError> {
        self.patch(subject, json!({"connection": self.connection, "password": new.expose()})).await
    }

    /// Changes an account: one thing with each call, because the API takes no more together.
    pub(super) async fn update(&self, subject: &str, changes: &PersonChanges) -> Result<(), StoreError> {
        if let Some(email) = &changes.email {
            let body = json!({
                "connection": self.connection,
                "client_id": self.provider.client_id,
                "email": email.as_str(),
                "email_verified": true,
                "verify_email": false,
            });
            self.patch(subject, body).await?;
        }
        if let Some(password) = &changes.password {
            self.set_password(subject, password).await?;
        }
        match changes.is_enabled {
            Some(is_enabled) => self.patch(subject, json!({"blocked": !is_enabled})).await,
            None => Ok(()),
        }
    }

    /// Erases an account. The API answers alike whether or not there was one.
    pub(super) async fn erase(&self, subject: &str) -> Result<(), StoreError> {
        let url = self.api(&["users", subject]);
        match self.administer(|| way::json(Method::DELETE, &url, None)).await {
            Ok(_) | Err(StoreError::NoSuchPerson) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
