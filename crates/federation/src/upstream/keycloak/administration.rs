//! Keycloak's administration of accounts.

use http::Method;
use openidconnect::HttpRequest;
use quoin_identity::port::{NewPerson, PersonChanges, Registered, StoreError};
use quoin_kernel::Secret;
use serde_json::{Value, json};
use url::Url;

use super::{Keycloak, answers};
use crate::upstream::way::{self, Answer, below};

/// What is said where nobody may administer.
const NOBODY: &str = "accounts are not administered (identity.upstream.administer)";

impl Keycloak {
    /// Sends a call as administrator; once more with a new token where the present one is refused.
    async fn administer(&self, request: impl Fn() -> HttpRequest) -> Result<Answer, StoreError> {
        let administrator = self.administrator.as_ref().ok_or(StoreError::NotOffered(NOBODY))?;
        for is_last in [false, true] {
            let token = administrator.token(&self.tokens.client).await?;
            let answer = self.send(way::bearing(request(), token.expose())?).await?;
            match answer.status {
                401 if !is_last => administrator.forget(),
                status if answer.is_ok() || status == 404 => return Ok(answer),
                _ => return Err(answers::of_administration(&answer)),
            }
        }
        Err(StoreError::Unreachable("it refuses its own token".to_owned()))
    }

    /// Sends a call about one account.
    async fn about(
        &self,
        subject: &str,
        (method, call): (Method, &[&str]),
        body: Option<Value>,
    ) -> Result<Answer, StoreError> {
        let url = below(&users(&self.realm), &[&[subject], call].concat());
        let answer = self.administer(|| way::json(method.clone(), &url, body.as_ref())).await?;
        if answer.status == 404 { Err(StoreError::NoSuchPerson) } else { Ok(answer) }
    }

    /// Tells whether an account may be used.
    pub(super) async fn look_at(&self, subject: &str) -> Result<bool, StoreError> {
        match self.about(subject, (Method::GET, &[]), None).await {
            Ok(answer) => Ok(answer.body["enabled"] == json!(true)),
            Err(StoreError::NoSuchPerson) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes an account.
    pub(super) async fn make(&self, person: &NewPerson) -> Result<Registered, StoreError> {
        let (url, body) = (users(&self.realm), account(person));
        let answer = self.administer(|| way::json(Method::POST, &url, Some(&body))).await?;
        Ok(Registered { subject: answers::made_id(&answer)? })
    }

    /// Finds whose user name or address this is.
    pub(super) async fn find(&self, name: &str) -> Result<String, StoreError> {
        let key = if name.contains('@') { "email" } else { "username" };
        let mut url = users(&self.realm);
        url.query_pairs_mut().append_pair(key, name).append_pair("exact", "true");
        answers::only_id(&self.administer(|| way::json(Method::GET, &url, None)).await?)
    }

    /// Has the provider mail its confirmation.
    pub(super) async fn send_confirmation(&self, subject: &str) -> Result<(), StoreError> {
        self.about(subject, (Method::PUT, &["send-verify-email"]), None).await.map(drop)
    }

    /// Has the provider mail a link to its page for a new password.
    pub(super) async fn mail_reset(&self, name: &str) -> Result<(), StoreError> {
        let subject = self.find(name).await?;
        let call = (Method::PUT, &["execute-actions-email"][..]);
        self.about(&subject, call, Some(json!(["UPDATE_PASSWORD"]))).await.map(drop)
    }

    /// Sets a password.
    pub(super) async fn set_password(&self, subject: &str, new: &Secret<String>) -> Result<(), StoreError> {
        let call = (Method::PUT, &["reset-password"][..]);
        self.about(subject, call, Some(credential(new))).await.map(drop)
    }

    /// Changes an account; the sessions of one that is disabled end.
    pub(super) async fn update(&self, subject: &str, changes: &PersonChanges) -> Result<(), StoreError> {
        let mut body = json!({});
        if let Some(email) = &changes.email {
            body["email"] = json!(email.as_str());
            body["emailVerified"] = json!(true);
        }
        if let Some(is_enabled) = changes.is_enabled {
            body["enabled"] = json!(is_enabled);
        }
        if body != json!({}) {
            self.about(subject, (Method::PUT, &[]), Some(body)).await?;
        }
        if let Some(password) = &changes.password {
            self.set_password(subject, password).await?;
        }
        if changes.is_enabled == Some(false) {
            self.about(subject, (Method::POST, &["logout"]), None).await?;
        }
        Ok(())
    }

    /// Erases an account.
    pub(super) async fn erase(&self, subject: &str) -> Result<(), StoreError> {
        match self.about(subject, (Method::DELETE, &[]), None).await {
            Ok(_) | Err(StoreError::NoSuchPerson) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Returns where the accounts of a realm are administered: `/admin/realms/REALM` beside `/realms/REALM`.
fn users(realm: &Url) -> Url {
    let mut url = realm.clone();
    let path = realm.path();
    let at = path.rfind("/realms/").unwrap_or_default();
    url.set_path(&format!("{}/admin{}", &path[..at], &path[at..]));
    below(&url, &["users"])
}

fn account(person: &NewPerson) -> Value {
    let mut body = json!({
        "username": person.username.as_deref().unwrap_or(person.email.as_str()),
        "email": person.email.as_str(),
        "emailVerified": person.email_verified,
        "enabled": true,
    });
    if let Some(password) = &person.password {
        body["credentials"] = json!([credential(password)]);
    }
    body
}

fn credential(password: &Secret<String>) -> Value {
    json!({"type": "password", "value": password.expose(), "temporary": false})
}
