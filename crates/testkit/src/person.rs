//! People who came through the real doors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use crate::{Answer, TestServer};

/// Every test person's password.
const PASSWORD: &str = "three unrelated words";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// Their access token.
    pub token: String,
    /// Their refresh token.
    pub refresh_token: String,
    /// Their active organisation.
    pub org_id: String,
}

impl Person {
    /// Signs up, confirms the address with the mail's link and signs in.
    pub(crate) async fn arrive(server: &TestServer, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let wish = json!({"email": email, "password": PASSWORD});
        server.anon(Method::POST, "/auth/v1/signup", Some(&wish)).await.expect(200);
        let mail = server.mail(&email, 1).await;
        let link = mail["links"][0].as_str().expect("the mail has a link");
        let token_hash = parameter(link, "token");
        let proof = json!({"type": "signup", "token_hash": token_hash});
        let session = server.anon(Method::POST, "/auth/v1/verify", Some(&proof)).await.expect(200);
        Self::of(&session.json(), PASSWORD)
    }

    /// Reads the body of a session.
    ///
    /// # Panics
    /// Where it is none.
    pub fn of(session: &Value, password: &str) -> Self {
        let text = |value: &Value| value.as_str().expect("the session is whole").to_owned();
        let token = text(&session["access_token"]);
        let claims = claims(&token);
        Self {
            id: text(&session["user"]["id"]),
            email: text(&session["user"]["email"]),
            password: password.to_owned(),
            refresh_token: text(&session["refresh_token"]),
            org_id: text(&claims["org_id"]),
            token,
        }
    }

    /// Reads the claims of the access token.
    pub fn claims(&self) -> Value {
        claims(&self.token)
    }

    /// Calls as this person.
    pub async fn call(
        &self,
        server: &TestServer,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        server.call(method, path, Some(&self.token), body).await
    }

    /// Signs in again with the password.
    pub async fn sign_in(&self, server: &TestServer) -> Answer {
        let body = json!({"email": self.email, "password": self.password});
        server.anon(Method::POST, "/auth/v1/token?grant_type=password", Some(&body)).await
    }

    /// Uses a refresh token.
    pub async fn refresh(&self, server: &TestServer, refresh_token: &str) -> Answer {
        let body = json!({"refresh_token": refresh_token});
        server.anon(Method::POST, "/auth/v1/token?grant_type=refresh_token", Some(&body)).await
    }
}

/// Reads one parameter of a link's query.
fn parameter(link: &str, name: &str) -> String {
    let query = link.split_once('?').map_or("", |(_, query)| query);
    let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    found.unwrap_or_else(|| panic!("{link} has no parameter {name}")).1.to_owned()
}

/// Reads a token's claims without verifying it.
///
/// # Panics
/// Where it is no token.
pub fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a token has three parts");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("claims are base64url");
    serde_json::from_slice(&bytes).expect("claims are JSON")
}
