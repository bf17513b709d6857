//! What mails look like besides their words.

use serde::Serialize;

/// The name, colours and logo that mails share with the pages.
#[derive(Debug, Clone, Serialize)]
pub struct Brand {
    /// The product's name.
    pub product: String,
    /// The colour of buttons on light ground, `#rrggbb`.
    pub accent: String,
    /// The colour of the text on it.
    pub on_accent: String,
    /// The colour of buttons on dark ground, `#rrggbb`.
    pub accent_dark: String,
    /// The colour of the text on it.
    pub on_accent_dark: String,
    /// The address of a picture that mail programs show; where there is none, the name stands in its place.
    pub logo: Option<String>,
}

impl Brand {
    /// Gives a product the built-in look.
    pub fn plain(product: &str) -> Self {
        Self {
            product: product.to_owned(),
            accent: "#0b57d0".into(),
            on_accent: "#ffffff".into(),
            accent_dark: "#7cacf8".into(),
            on_accent_dark: "#0d1117".into(),
            logo: None,
        }
    }
}
