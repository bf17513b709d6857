//! Accounts to act as, and the table they write to.

use std::io::{Error, Result};
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::http::{Request, once};

/// The password of everybody here.
pub const PASSWORD: &str = "a long walk in the rain";

/// Where a server is and with which key its team acts.
#[derive(Debug, Clone)]
pub struct Team {
    /// Where it listens.
    pub address: SocketAddr,
    /// A platform-wide secret key.
    pub secret_key: String,
}

/// A signed-in person.
#[derive(Debug, Clone)]
pub struct Person {
    /// The address they sign in with.
    pub email: String,
    /// A token good for an hour.
    pub access_token: String,
    /// The one refresh token that is good next.
    pub refresh_token: String,
    /// The organisation in the token.
    pub org_id: String,
}

impl Team {
    /// Sends one call with the secret key and refuses any status but success.
    pub async fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let request = Request::new(method, path).bearer(&self.secret_key);
        let request = if body.is_null() { request } else { request.json(body) };
        expect_success(path, once(self.address, &request).await?)
    }

    /// Applies a migration.
    pub async fn migrate(&self, name: &str, sql: &str) -> Result<()> {
        self.ask("POST", "/admin/v1/migrations", &json!({"name": name, "sql": sql})).await.map(drop)
    }

    /// Makes a confirmed account and signs it in.
    pub async fn person(&self, email: &str) -> Result<Person> {
        let account = json!({"email": email, "password": PASSWORD, "email_confirm": true});
        self.ask("POST", "/auth/v1/admin/users", &account).await?;
        self.sign_in(email).await
    }

    /// Signs an account in.
    pub async fn sign_in(&self, email: &str) -> Result<Person> {
        let path = "/auth/v1/token?grant_type=password";
        let request = Request::new("POST", path).json(&json!({"email": email, "password": PASSWORD}));
        let session = expect_success(path, once(self.address, &request).await?)?;
        let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
        let access_token = text("access_token");
        let org_id = active_organisation(&access_token).unwrap_or_default();
        Ok(Person { email: email.to_owned(), access_token, refresh_token: text("refresh_token"), org_id })
    }
}

/// Reads the organisation out of a token, without checking it.
fn active_organisation(token: &str) -> Option<String> {
    let claims: Value = serde_json::from_slice(&decode_base64url(token.split('.').nth(1)?)?).ok()?;
    claims["org_id"].as_str().map(str::to_owned)
}

fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for symbol in text.bytes() {
        held = held << 6 | u32::try_from(ALPHABET.iter().position(|known| *known == symbol)?).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

fn expect_success(path: &str, (status, body): (u16, Value)) -> Result<Value> {
    if (200..300).contains(&status) {
        Ok(body)
    } else {
        Err(Error::other(format!("{path}: {status} {body}")))
    }
}

#[cfg(test)]
mod tests {
    use super::active_organisation;

    #[test]
    fn the_organisation_is_read_from_a_token() {
        // {"org_id":"o"}
        assert_eq!(active_organisation("e30.eyJvcmdfaWQiOiJvIn0.sig").as_deref(), Some("o"));
    }
}
