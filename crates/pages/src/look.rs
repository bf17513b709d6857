//! How pages look: templates, the style sheet and the other files, each at an address that names its content.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior, Value};
use quoin_kernel::hash::sha256;
use quoin_web::WebConfig;

use crate::config::PagesConfig;
use crate::language::Language;
use crate::messages::Messages;
use crate::theme::Colour;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        &[$((concat!($name, ".html"), include_str!(concat!("../templates/", $name, ".html"))),)+]
    };
}

static TEMPLATES: &[(&str, &str)] = templates![
    "layout",
    "account_layout",
    "email",
    "code",
    "sign_in",
    "sign_up",
    "link",
    "check_mail",
    "confirm",
    "dead_link",
    "other_address",
    "recover",
    "new_password",
    "second_factor",
    "passkey",
    "problem",
    "profile",
    "security",
    "app",
    "recovery_codes",
    "sessions",
    "organisations",
    "invitation",
];

/// What stands in the way of the pages.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// A file cannot be read.
    #[error("the file {file} of the pages cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A template cannot be parsed.
    #[error("the page template {name} cannot be used: {source}")]
    Template {
        /// The template.
        name: String,
        /// The cause.
        #[source]
        source: Error,
    },
    /// A file of messages is no table of texts.
    #[error("the messages in {file} cannot be read: {source}")]
    Messages {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A file names a message that no page shows.
    #[error("{file} names the message {key}, which there is not")]
    UnknownMessage {
        /// The file.
        file: String,
        /// The key.
        key: String,
    },
    /// A logo is of no kind that browsers show.
    #[error("the logo must be an SVG, PNG, JPEG or WebP file, named accordingly")]
    Logo,
    /// A colour cannot be used.
    #[error("{0}")]
    Setting(String),
}

/// A file that pages name.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its media type.
    pub(crate) media_type: &'static str,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

/// How pages look.
pub(crate) struct Look {
    environment: Environment<'static>,
    messages: Arc<Messages>,
    assets: BTreeMap<String, Asset>,
}

impl Look {
    /// Reads everything.
    pub(crate) fn load(name: &str, config: &PagesConfig, web: &WebConfig) -> Result<Self, LookError> {
        config.validate().map_err(LookError::Setting)?;
        let directory = config.templates_dir.as_deref();
        let messages = Arc::new(Messages::load(directory)?);
        let mut look =
            Self { environment: environment(directory, &messages)?, messages, assets: BTreeMap::new() };
        let url = |file: &str| web.link(&format!("/assets/{file}")).path().to_owned();
        let style = look.keep("style", "css", "text/css; charset=utf-8", style(config).into_bytes());
        let mut styles = vec![url(&style)];
        if let Some(path) = &config.style_file {
            styles.push(url(&look.keep("custom", "css", "text/css; charset=utf-8", read(path)?)));
        }
        let script = include_bytes!("../assets/passkey.js").to_vec();
        let script = url(&look.keep("passkey", "js", "text/javascript; charset=utf-8", script));
        if let Some(path) = &config.logo_file {
            let (ending, media_type) = picture(path).ok_or(LookError::Logo)?;
            let logo = url(&look.keep("logo", ending, media_type, read(path)?));
            look.environment.add_global("logo", logo);
        }
        look.environment.add_global("styles", Value::from_iter(styles));
        look.environment.add_global("passkey_script", script);
        look.environment.add_global("product", name);
        look.environment.add_global("base", web.link("/").path().trim_end_matches('/'));
        let languages = Language::ALL.map(|language| Value::from_iter([language.tag(), language.name()]));
        look.environment.add_global("languages", Value::from_iter(languages));
        Ok(look)
    }

    /// Fills a template.
    pub(crate) fn fill(&self, template: &str, context: Value) -> Result<String, Error> {
        self.environment.get_template(template)?.render(context)
    }

    /// Returns the texts.
    pub(crate) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Finds a file by the name in its address.
    pub(crate) fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }

    /// Keeps a file under a name that changes with its content, so that browsers may keep it for ever.
    fn keep(&mut self, stem: &str, ending: &str, media_type: &'static str, bytes: Vec<u8>) -> String {
        let digest = URL_SAFE_NO_PAD.encode(&sha256(&bytes)[..12]);
        let name = format!("{stem}-{digest}.{ending}");
        self.assets.insert(name.clone(), Asset { media_type, bytes });
        name
    }
}

fn environment(
    directory: Option<&Path>,
    messages: &Arc<Messages>,
) -> Result<Environment<'static>, LookError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let texts = Arc::clone(messages);
    environment
        .add_function("t", move |state: &State, key: &str, values: Kwargs| say(&texts, state, key, &values));
    environment.add_function("form", form);
    for (name, source) in TEMPLATES {
        let own = directory.map(|directory| directory.join(name)).filter(|path| path.exists());
        let source = match own {
            Some(path) => Cow::Owned(String::from_utf8_lossy(&read(&path)?).into_owned()),
            None => Cow::Borrowed(*source),
        };
        let unusable = |source| LookError::Template { name: (*name).to_owned(), source };
        environment.add_template_owned(*name, source).map_err(unusable)?;
    }
    Ok(environment)
}

/// Says a message in the page's language, its placeholders filled.
fn say(messages: &Messages, state: &State, key: &str, values: &Kwargs) -> Result<String, Error> {
    let tag = state.lookup("language");
    let language = tag.as_ref().and_then(Value::as_str).and_then(Language::parse).unwrap_or(Language::En);
    let unknown = || Error::new(ErrorKind::InvalidOperation, format!("there is no message {key}"));
    let mut text = messages.find(language, key).ok_or_else(unknown)?.to_owned();
    for name in values.args() {
        let value: Value = values.get(name)?;
        text = text.replace(&format!("{{{name}}}"), &value.to_string());
    }
    values.assert_all_used()?;
    Ok(text)
}

/// Opens a form that leads to a path of ours, with its token and with where the person wants to land.
fn form(state: &State, path: &str) -> Value {
    let csrf = state.lookup("csrf").unwrap_or_default();
    let part = |name: &str| csrf.get_attr(name).unwrap_or_default().to_string();
    let carried = |name: &str| state.lookup(name).filter(Value::is_true).map(|value| value.to_string());
    let fields = [
        (part("name"), Some(part("value"))),
        ("redirect_to".to_owned(), carried("redirect_to")),
        ("next".to_owned(), carried("next")),
        ("org".to_owned(), carried("org")),
    ];
    let base = state.lookup("base").unwrap_or_default();
    let action = HtmlEscape(&format!("{base}{path}")).to_string();
    let mut markup = format!("<form method=\"post\" action=\"{action}\">");
    for (name, value) in fields {
        if let Some(value) = value {
            let (name, value) = (HtmlEscape(&name).to_string(), HtmlEscape(&value).to_string());
            write!(markup, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
                .expect("writing to a String cannot fail");
        }
    }
    Value::from_safe_string(markup)
}

/// Writes the configured colours before the built-in rules.
fn style(config: &PagesConfig) -> String {
    let colours = |text: &str| {
        let colour = Colour::parse(text).unwrap_or(Colour::LIGHT);
        format!(":root{{--accent:{};--on-accent:{}}}", colour.css(), colour.text_on().css())
    };
    let (light, dark) = (colours(&config.accent), colours(&config.accent_dark));
    let rules = include_str!("../assets/style.css");
    format!("{light}\n@media (prefers-color-scheme:dark){{{dark}}}\n{rules}")
}

fn picture(path: &Path) -> Option<(&'static str, &'static str)> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "svg" => Some(("svg", "image/svg+xml")),
        "png" => Some(("png", "image/png")),
        "jpg" | "jpeg" => Some(("jpg", "image/jpeg")),
        "webp" => Some(("webp", "image/webp")),
        _ => None,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LookError> {
    std::fs::read(path).map_err(|source| LookError::Unreadable { file: path.display().to_string(), source })
}

#[cfg(test)]
mod tests;
