//! Access as an administrator, by client credentials (RFC 6749, 4.4): fetched when it is needed, kept until shortly before it
//! expires.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use quoin_identity::port::StoreError;
use quoin_kernel::Secret;
use url::Url;

use super::way::{self, Answer};
use crate::fetch::Client;

/// How long before its end a token counts as expired.
const MARGIN: Duration = Duration::from_secs(30);

/// Knows how to get a token, and the present one.
pub(super) struct Administrator {
    token_url: Url,
    client_id: String,
    client_secret: Secret<String>,
    audience: Option<String>,
    present: Mutex<Option<(Secret<String>, Instant)>>,
}

impl Administrator {
    /// Takes as whom the token is asked for, and for what.
    pub(super) fn new(
        token_url: Url,
        (client_id, client_secret): (String, Secret<String>),
        audience: Option<String>,
    ) -> Self {
        Self { token_url, client_id, client_secret, audience, present: Mutex::default() }
    }

    /// Returns a token that still holds.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] too where the provider refuses us: that is the operator's to mend.
    pub(super) async fn token(&self, client: &Client) -> Result<Secret<String>, StoreError> {
        if let Some(token) = self.present() {
            return Ok(token);
        }
        let answer = way::send(client, self.request()).await?;
        let (token, life) = read(&answer)?;
        let until = Instant::now() + life.saturating_sub(MARGIN);
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.clone(), until));
        Ok(token)
    }

    /// Forgets the token: the provider has refused it.
    pub(super) fn forget(&self) {
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn present(&self) -> Option<Secret<String>> {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.as_ref().filter(|(_, until)| *until > Instant::now()).map(|(token, _)| token.clone())
    }

    fn request(&self) -> openidconnect::HttpRequest {
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose()),
        ];
        fields.extend(self.audience.as_deref().map(|audience| ("audience", audience)));
        way::form(&self.token_url, &fields)
    }
}

fn read(answer: &Answer) -> Result<(Secret<String>, Duration), StoreError> {
    if !answer.is_ok() {
        let words = answer.words("error", "error_description");
        return Err(StoreError::Unreachable(format!("it lets nobody administer: {words}")));
    }
    let token = Secret::new(answer.needed("access_token")?.to_owned());
    Ok((token, Duration::from_secs(answer.body["expires_in"].as_u64().unwrap_or(60))))
}
