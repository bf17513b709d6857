//! The addresses of the twin's pages.

use url::Url;

/// Builds links to the twin's pages.
#[derive(Debug, Clone)]
pub(crate) struct Links(Url);

impl Links {
    /// Builds below this URL.
    pub(crate) fn below(public_url: Url) -> Self {
        Self(public_url)
    }

    /// Returns the address of a page: `path` begins with a slash.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}/_twin{path}", self.0.as_str().trim_end_matches('/'))
    }
}
