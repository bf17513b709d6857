//! How pages look: templates, the style sheet and the other files, each at an address that names its content.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};
use quoin_kernel::hash::sha256;
use quoin_web::WebConfig;

use crate::config::PagesConfig;
use crate::messages::Messages;
use crate::theme::Colour;
use quoin_kernel::Language;
use quoin_mail::Brand;

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
    "ways",
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
    "invitation_link",
    "link_account",
    "transfer",
    "welcome",
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
    brand: Brand,
}

impl Look {
    /// Reads everything.
    pub(crate) fn load(name: &str, config: &PagesConfig, web: &WebConfig) -> Result<Self, LookError> {
        config.validate().map_err(LookError::Setting)?;
        let directory = config.templates_dir.as_deref();
        let messages = Arc::new(Messages::load(directory)?);
        let (environment, assets) = (environment(directory, &messages)?, BTreeMap::new());
        let mut look = Self { environment, messages, assets, brand: brand(name, config) };
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
            let file = look.keep("logo", ending, media_type, read(path)?);
            // Mail programs show no SVG, and few show WebP; there the name stands in its place.
            let shown = matches!(ending, "png" | "jpg");
            look.brand.logo = shown.then(|| web.link(&format!("/assets/{file}")).into());
            look.environment.add_global("logo", url(&file));
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

    /// Returns what mails share with the pages.
    pub(crate) fn brand(&self) -> &Brand {
        &self.brand
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

fn brand(name: &str, config: &PagesConfig) -> Brand {
    let (light, dark) = config.colours();
    Brand {
        product: name.to_owned(),
        accent: light.css(),
        on_accent: light.text_on().css(),
        accent_dark: dark.css(),
        on_accent_dark: dark.text_on().css(),
        logo: None,
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
    environment.add_function("form_to", form_to);
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

/// Opens a form that leads to a path of ours, with its token and with what goes along from page to page.
fn form(state: &State, path: &str) -> Result<Value, Error> {
    open_form(state, path, &Value::from(Vec::<Value>::new()))
}

/// Opens the form that the page was given, with its fields.
fn form_to(state: &State) -> Result<Value, Error> {
    let given = state.lookup("own_form").unwrap_or_default();
    let (action, fields) = (given.get_attr("action")?, given.get_attr("fields")?);
    let path =
        action.as_str().ok_or_else(|| Error::new(ErrorKind::UndefinedError, "this page has no form"))?;
    open_form(state, path, &fields)
}

fn open_form(state: &State, path: &str, fields: &Value) -> Result<Value, Error> {
    let base = state.lookup("base").unwrap_or_default();
    let action = escaped(&format!("{base}{path}"));
    let mut markup = format!("<form method=\"post\" action=\"{action}\">");
    let csrf = state.lookup("csrf").unwrap_or_default();
    hidden(&mut markup, &csrf.get_attr("name")?, &csrf.get_attr("value")?);
    let carried = state.lookup("carried").unwrap_or_default();
    for pair in carried.try_iter()?.chain(fields.try_iter()?) {
        hidden(&mut markup, &pair.get_item(&0.into())?, &pair.get_item(&1.into())?);
    }
    Ok(Value::from_safe_string(markup))
}

fn hidden(markup: &mut String, name: &Value, value: &Value) {
    let (name, value) = (escaped(&name.to_string()), escaped(&value.to_string()));
    write!(markup, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        .expect("writing to a String cannot fail");
}

/// Escapes for a double-quoted attribute. Slashes stay as they are, so that people and tools can read where a form leads.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Writes the configured colours before the built-in rules.
fn style(config: &PagesConfig) -> String {
    let root =
        |colour: Colour| format!(":root{{--accent:{};--on-accent:{}}}", colour.css(), colour.text_on().css());
    let (light, dark) = config.colours();
    let (light, dark) = (root(light), root(dark));
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
