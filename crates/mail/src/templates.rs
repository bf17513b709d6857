//! Templates: a subject, a text and an HTML body for each kind of mail, in several languages, each file replaceable.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde_json::{Map, Value};

/// The language of everything that is not translated.
pub(crate) const FALLBACK_LANGUAGE: &str = "en";

/// Names the three files of each template of this program.
macro_rules! built_in {
    ($($language:literal: $($name:literal),+;)*) => {
        &[
            ("layout.html", include_str!("../templates/layout.html")),
            ("layout.txt", include_str!("../templates/layout.txt")),
            $($(
                (concat!($language, "/", $name, ".subject.txt"),
                 include_str!(concat!("../templates/", $language, "/", $name, ".subject.txt"))),
                (concat!($language, "/", $name, ".txt"),
                 include_str!(concat!("../templates/", $language, "/", $name, ".txt"))),
                (concat!($language, "/", $name, ".html"),
                 include_str!(concat!("../templates/", $language, "/", $name, ".html"))),
            )+)*
        ]
    };
}

static BUILT_IN: &[(&str, &str)] = built_in! {
    "en":
        "identity.account_exists", "identity.confirm", "identity.email_change", "identity.email_change_current",
        "identity.email_changed_notice", "identity.factor_changed_notice", "identity.invite", "identity.magic_link",
        "identity.password_changed_notice", "identity.reauthenticate", "identity.recovery",
        "payments.payment_missing", "tenancy.invitation";
    "de":
        "payments.payment_missing";
};

/// A template that is missing, cannot be read, or asks for a parameter that was not given.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file of the directory cannot be read.
    #[error("the template file {file} cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The engine refuses a template, or its parameters.
    #[error("the template {name} cannot be filled")]
    Unfillable {
        /// The template.
        name: String,
        /// The cause. Names parameters, never their values.
        #[source]
        source: minijinja::Error,
    },
}

/// A filled template.
#[derive(Debug, PartialEq, Eq)]
pub struct Texts {
    /// One line.
    pub subject: String,
    /// The text body.
    pub text: String,
    /// The HTML body.
    pub html: String,
}

/// All templates, read once.
pub struct Templates {
    environment: Environment<'static>,
    product_name: String,
}

impl Templates {
    /// Reads the templates of this program, and those of `directory`, which replace them file by file.
    ///
    /// # Errors
    /// A file that cannot be read or is no template. Nothing is found out only when a mail is due.
    pub fn load(product_name: &str, directory: Option<&Path>) -> Result<Self, TemplateError> {
        let mut sources: BTreeMap<String, Cow<'static, str>> =
            BUILT_IN.iter().map(|(name, source)| ((*name).to_owned(), Cow::Borrowed(*source))).collect();
        if let Some(directory) = directory {
            read_directory(directory, "", &mut sources)?;
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| match ending(name) {
            Some("html") => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment.add_filter("href", href);
        for (name, source) in sources {
            let unfillable = |source| TemplateError::Unfillable { name: name.clone(), source };
            environment.add_template_owned(name.clone(), source).map_err(unfillable)?;
        }
        Ok(Self { environment, product_name: product_name.to_owned() })
    }

    /// Fills the template `name` in the asked language, its base language, or English.
    pub fn fill(
        &self,
        name: &str,
        language: &str,
        params: &Map<String, Value>,
    ) -> Result<Texts, TemplateError> {
        let language = self.best_language(name, language);
        let subject = self.render(&format!("{language}/{name}.subject.txt"), &language, params)?;
        Ok(Texts {
            subject: one_line(&subject),
            text: self.render(&format!("{language}/{name}.txt"), &language, params)?,
            html: self.render(&format!("{language}/{name}.html"), &language, params)?,
        })
    }

    fn best_language(&self, name: &str, tag: &str) -> String {
        let tag = tag.to_ascii_lowercase();
        let base = tag.split(['-', '_']).next().unwrap_or_default();
        let has = |language: &&str| self.environment.get_template(&format!("{language}/{name}.txt")).is_ok();
        [tag.as_str(), base].into_iter().find(has).unwrap_or(FALLBACK_LANGUAGE).to_owned()
    }

    fn render(
        &self,
        file: &str,
        language: &str,
        params: &Map<String, Value>,
    ) -> Result<String, TemplateError> {
        let unfillable = |source| TemplateError::Unfillable { name: file.to_owned(), source };
        let template = self.environment.get_template(file).map_err(unfillable)?;
        let context = context! {
            product => self.product_name.as_str(),
            language => language,
            ..minijinja::Value::from(Serde(params))
        };
        template.render(context).map_err(unfillable)
    }
}

/// Reads every file below `directory` whose path would name a template.
fn read_directory(
    directory: &Path,
    prefix: &str,
    sources: &mut BTreeMap<String, Cow<'static, str>>,
) -> Result<(), TemplateError> {
    let unreadable = |source| TemplateError::Unreadable { file: directory.display().to_string(), source };
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() {
            // Languages are one level deep.
            if prefix.is_empty() {
                read_directory(&path, &format!("{name}/"), sources)?;
            }
        } else if matches!(ending(&name), Some("txt" | "html")) {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| TemplateError::Unreadable { file: path.display().to_string(), source })?;
            sources.insert(name, Cow::Owned(text));
        }
    }
    Ok(())
}

fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending)
}

/// Writes a web address into an attribute; anything that is none is refused, so that no parameter becomes a script.
fn href(link: &str) -> Result<minijinja::Value, minijinja::Error> {
    if !(link.starts_with("https://") || link.starts_with("http://")) {
        let kind = minijinja::ErrorKind::InvalidOperation;
        return Err(minijinja::Error::new(kind, "a link must begin with https:// or http://"));
    }
    // Slashes stay as they are, unlike in the engine's own escaping: some mail programs show them otherwise.
    let escaped = link.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;");
    Ok(minijinja::Value::from_safe_string(escaped.replace('<', "&lt;").replace('>', "&gt;")))
}

/// Joins lines and drops control characters: nothing in a subject can begin another header.
fn one_line(subject: &str) -> String {
    let words = subject.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
