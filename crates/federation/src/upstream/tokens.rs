//! ID tokens of who keeps people: the same checks as of every other, with keys from a known place and without a nonce, because
//! no browser carries them.

use quoin_identity::model::{Attested, Provider};
use quoin_identity::port::{StoreError, Upheld, Upstream};
use quoin_kernel::{Secret, Timestamp};
use serde_json::{Map, Value};
use url::Url;

use super::way::Answer;
use crate::fetch::Client;
use crate::published::Published;
use crate::token::{BadToken, Expected, ExpectedNonce, attested, verify};

/// Verifies ID tokens of one provider.
pub(super) struct Tokens {
    pub(super) client: Client,
    published: Published,
    keys: Url,
}

impl Tokens {
    /// Takes the way out, and where the keys are.
    pub(super) fn new(client: Client, keys: Url) -> Self {
        Self { client, published: Published::default(), keys }
    }

    /// Verifies the ID token of an answer, and returns what it says.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a token that proves nothing, [`StoreError::Unreachable`] where the keys cannot be read.
    pub(super) async fn verified(
        &self,
        provider: &Provider,
        (id_token, access_token): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<Map<String, Value>, StoreError> {
        let expected = Expected { nonce: ExpectedNonce::OfApplication(None), access_token, now };
        let metadata = self
            .published
            .at(&self.client, provider, &self.keys)
            .await
            .map_err(|error| unreachable(&error))?;
        let why = match verify(id_token, &metadata, provider, &expected) {
            Ok(said) => return Ok(said),
            Err(BadToken::Refused(why)) => return Err(StoreError::Refused(why)),
            Err(BadToken::UnknownKey(why)) => why,
        };
        let renewed = self
            .published
            .with_new_keys(&self.client, provider)
            .await
            .map_err(|error| unreachable(&error))?;
        let Some(metadata) = renewed else { return Err(StoreError::Refused(why)) };
        verify(id_token, &metadata, provider, &expected).map_err(|bad| match bad {
            BadToken::Refused(why) | BadToken::UnknownKey(why) => StoreError::Refused(why),
        })
    }

    /// Verifies the tokens of an answer of OAuth, and returns whom they attest.
    ///
    /// # Errors
    /// As [`Tokens::verified`].
    pub(super) async fn attested(
        &self,
        provider: &Provider,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<Attested, StoreError> {
        let shown = (answer.needed("id_token")?, answer.text("access_token"));
        let said = self.verified(provider, shown, now).await?;
        attested(&provider.issuer, &said).map_err(StoreError::Refused)
    }

    /// Reads with whose session an answer to a refresh goes on, by the same checks: an answer that says nothing upholds nothing.
    ///
    /// # Errors
    /// As [`Tokens::verified`].
    pub(super) async fn upheld(
        &self,
        provider: &Provider,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<Upheld, StoreError> {
        let subject = self.attested(provider, answer, now).await?.subject;
        let refresh_token = answer.text("refresh_token").map(|token| Secret::new(token.to_owned()));
        Ok(Upheld { refresh_token, subject })
    }
}

fn unreachable(error: &Upstream) -> StoreError {
    StoreError::Unreachable(error.to_string())
}
