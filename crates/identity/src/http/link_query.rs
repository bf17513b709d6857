//! What every call that leads to a mailed link may say about that link.

use quoin_kernel::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::CodeChallenge;
use crate::service::LinkWishes;

/// The query of calls that send a link.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RedirectQuery {
    /// Where the person shall land; the site's URL where it is missing or not on the allow-list.
    redirect_to: Option<String>,
}

impl RedirectQuery {
    /// Returns the wished target.
    pub(super) fn target(self) -> Option<String> {
        self.redirect_to
    }

    /// Joins the target with the challenge of the PKCE flow.
    ///
    /// # Errors
    /// 400 `validation_failed` for a challenge that is none.
    pub(super) fn wishes(self, challenge: Option<&str>, method: Option<&str>) -> Result<LinkWishes, Problem> {
        Ok(LinkWishes {
            redirect_to: self.redirect_to,
            challenge: CodeChallenge::from_client(challenge, method)?,
            page: None,
        })
    }
}
