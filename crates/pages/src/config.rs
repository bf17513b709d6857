//! The section `[pages]` of the configuration: name, colours, logo and templates.

use std::path::PathBuf;

use serde::Deserialize;

use crate::theme::Colour;

/// How the pages look.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PagesConfig {
    /// The product's name on every page; `identity.product_name` by default.
    pub name: Option<String>,
    /// The colour of links and buttons on light ground, `#rrggbb`.
    pub accent: String,
    /// The colour of links and buttons on dark ground, `#rrggbb`.
    pub accent_dark: String,
    /// A picture (SVG, PNG, JPEG or WebP) that stands above every page in place of the name.
    pub logo_file: Option<PathBuf>,
    /// A style sheet that is loaded after the built-in one.
    pub style_file: Option<PathBuf>,
    /// A directory whose files replace templates (`sign_in.html`) and single messages (`messages/de.toml`).
    pub templates_dir: Option<PathBuf>,
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self {
            name: None,
            accent: "#0b57d0".into(),
            accent_dark: "#7cacf8".into(),
            logo_file: None,
            style_file: None,
            templates_dir: None,
        }
    }
}

impl PagesConfig {
    /// Returns the two colours, once they are validated.
    pub(crate) fn colours(&self) -> (Colour, Colour) {
        let read = |text: &str| Colour::parse(text).unwrap_or(Colour::LIGHT);
        (read(&self.accent), read(&self.accent_dark))
    }

    /// Says what is wrong with the section, if anything is: colours that cannot be read, or not be told from the ground.
    pub fn validate(&self) -> Result<(), String> {
        for (key, text, ground) in
            [("accent", &self.accent, Colour::LIGHT), ("accent_dark", &self.accent_dark, Colour::DARK)]
        {
            let colour =
                Colour::parse(text).ok_or_else(|| format!("pages.{key} must be a colour like #0b57d0"))?;
            if colour.contrast(ground) < 4.5 {
                return Err(format!(
                    "pages.{key} is too close to the ground: links need a contrast of 4.5 to 1"
                ));
            }
        }
        Ok(())
    }
}
