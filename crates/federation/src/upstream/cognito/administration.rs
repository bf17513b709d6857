//! Cognito's administration of accounts: the same API, signed.

use http::Request;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequestBody;
use openidconnect::HttpRequest;
use quoin_identity::config::UpstreamConfig;
use quoin_identity::model::Attested;
use quoin_identity::port::{NewPerson, PersonChanges, Registered, StoreError};
use quoin_kernel::Secret;
use serde_json::{Map, Value, json};

use super::calls::call;
use super::{Cognito, answers, merge};
use crate::token::attested;
use crate::upstream::way::{self, Answer, lacks};

/// Signs calls as an administrator.
pub(super) struct Signer {
    credential: AwsCredential,
    region: String,
}

impl Signer {
    /// Takes the credentials, where there are any and accounts shall be administered.
    pub(super) fn of(config: &UpstreamConfig, region: String) -> Option<Self> {
        let (id, secret) = (config.access_key_id.as_ref()?, config.secret_access_key.as_ref()?);
        let token = config.session_token.as_ref().map(|token| token.expose().clone());
        let credential = AwsCredential { key_id: id.clone(), secret_key: secret.expose().clone(), token };
        config.administer.then_some(Self { credential, region })
    }

    /// Adds the signature (AWS Signature Version 4) to a call.
    pub(super) fn sign(&self, request: HttpRequest) -> Result<HttpRequest, StoreError> {
        let (parts, body) = request.into_parts();
        let mut signed = Request::from_parts(parts, HttpRequestBody::from(body.clone()));
        let authorizer = AwsAuthorizer::new(&self.credential, "cognito-idp", &self.region);
        authorizer
            .try_authorize(&mut signed, None)
            .map_err(|error| StoreError::Unreachable(format!("a call cannot be signed: {error}")))?;
        let (parts, _) = signed.into_parts();
        Ok(Request::from_parts(parts, body))
    }
}

impl Cognito {
    async fn administer(&self, action: &str, more: Value) -> Result<Answer, StoreError> {
        let signer = self.signer.as_ref().ok_or(StoreError::NotOffered(
            "accounts are not administered (identity.upstream.access_key_id)",
        ))?;
        let body = merge(json!({"UserPoolId": self.pool_id}), more);
        let request = signer.sign(call(&self.endpoint, action, &body))?;
        let answer = way::send(&self.tokens.client, request).await?;
        match answers::of_call(&answer) {
            _ if answer.is_ok() => Ok(answer),
            // Who administers has no password: it is our credentials that are refused.
            StoreError::InvalidCredentials => Err(StoreError::Unreachable(answer.words("__type", "message"))),
            error => Err(error),
        }
    }

    /// Reads whose account a name is, as the administration knows them. Its attributes are texts, and no text proves an address.
    pub(super) async fn look_up(&self, username: &str) -> Result<Attested, StoreError> {
        let answer = self.administer("AdminGetUser", json!({"Username": username})).await?;
        let mut said = attributes(&answer.body["UserAttributes"]);
        said.remove("email_verified");
        let mut attested = attested(&self.provider.issuer, &said).map_err(StoreError::Refused)?;
        attested.profile.insert("username".to_owned(), json!(answer.needed("Username")?));
        Ok(attested)
    }

    /// Finds the name that the pool has for a subject.
    pub(super) async fn name_of(&self, subject: &str) -> Result<String, StoreError> {
        // A subject has neither quotes nor backslashes; what has is none, and must not change the filter.
        if subject.contains(['"', '\\']) {
            return Err(StoreError::NoSuchPerson);
        }
        let filter = json!({"Filter": format!("sub = \"{subject}\""), "Limit": 1});
        let answer = self.administer("ListUsers", filter).await?;
        let users = answer.body["Users"].as_array().ok_or_else(|| lacks("Users"))?;
        let user = users.first().ok_or(StoreError::NoSuchPerson)?;
        if attributes(&user["Attributes"]).get("sub") != Some(&json!(subject)) {
            return Err(StoreError::Refused("it lists somebody else".to_owned()));
        }
        user["Username"].as_str().map(str::to_owned).ok_or_else(|| lacks("Username"))
    }

    /// Tells whether an account may be used.
    pub(super) async fn look_at(&self, subject: &str) -> Result<bool, StoreError> {
        let name = match self.name_of(subject).await {
            Err(StoreError::NoSuchPerson) => return Ok(false),
            name => name?,
        };
        match self.administer("AdminGetUser", json!({"Username": name})).await {
            Ok(answer) => Ok(answer.body["Enabled"] == json!(true)),
            Err(StoreError::NoSuchPerson) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes an account. Its password is set apart, so that it is not one to be changed at once.
    pub(super) async fn make(&self, person: &NewPerson) -> Result<Registered, StoreError> {
        let name = person.username.as_deref().unwrap_or(person.email.as_str());
        let made = self.administer("AdminCreateUser", account(name, person)).await?;
        let subject = attributes(&made.body["User"]["Attributes"]).get("sub").cloned();
        let subject = subject.and_then(|sub| sub.as_str().map(str::to_owned)).ok_or_else(|| lacks("sub"))?;
        let name = made.body["User"]["Username"].as_str().ok_or_else(|| lacks("Username"))?;
        if let Some(password) = &person.password
            && let Err(error) = self.set_password(name, password).await
        {
            // Nobody could use what is left, and its name would be taken.
            self.administer("AdminDeleteUser", json!({"Username": name})).await?;
            return Err(error);
        }
        Ok(Registered { subject })
    }

    /// Sets a password for good.
    pub(super) async fn set_password(&self, name: &str, new: &Secret<String>) -> Result<(), StoreError> {
        let body = json!({"Username": name, "Password": new.expose(), "Permanent": true});
        self.administer("AdminSetUserPassword", body).await.map(drop)
    }

    /// Changes an account; the sessions of one that is disabled end.
    pub(super) async fn update(&self, subject: &str, changes: &PersonChanges) -> Result<(), StoreError> {
        let name = self.name_of(subject).await?;
        if let Some(email) = &changes.email {
            let attributes = json!([
                {"Name": "email", "Value": email.as_str()},
                {"Name": "email_verified", "Value": "true"},
            ]);
            let body = json!({"Username": name, "UserAttributes": attributes});
            self.administer("AdminUpdateUserAttributes", body).await?;
        }
        if let Some(password) = &changes.password {
            self.set_password(&name, password).await?;
        }
        let calls: &[&str] = match changes.is_enabled {
            Some(true) => &["AdminEnableUser"],
            Some(false) => &["AdminDisableUser", "AdminUserGlobalSignOut"],
            None => &[],
        };
        for action in calls {
            self.administer(action, json!({"Username": name})).await?;
        }
        Ok(())
    }

    /// Erases an account.
    pub(super) async fn erase(&self, subject: &str) -> Result<(), StoreError> {
        let name = match self.name_of(subject).await {
            Err(StoreError::NoSuchPerson) => return Ok(()),
            name => name?,
        };
        match self.administer("AdminDeleteUser", json!({"Username": name})).await {
            Ok(_) | Err(StoreError::NoSuchPerson) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn account(name: &str, person: &NewPerson) -> Value {
    let verified = if person.email_verified { "true" } else { "false" };
    json!({
        "Username": name,
        "MessageAction": "SUPPRESS",
        "UserAttributes": [
            {"Name": "email", "Value": person.email.as_str()},
            {"Name": "email_verified", "Value": verified},
        ],
    })
}

/// Reads a list of named values.
fn attributes(list: &Value) -> Map<String, Value> {
    let named = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["Name"].as_str()?.to_owned(), one["Value"].clone())));
    named.collect()
}
