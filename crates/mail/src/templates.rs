//! Templates: a subject, a text and an HTML body for each kind of mail, from the words of five languages.
//!
//! Words and layout are apart: the files of `messages/` say what a mail says, and two templates set any of them, as text
//! and as HTML. An operator replaces single words, the frame, or a whole mail in one language.

mod messages;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use quoin_kernel::Language;
use serde_json::{Map, Value};

use crate::brand::Brand;
use messages::Words;

/// The templates of this program: a frame, and a letter in it that any mail's words fill.
static BUILT_IN: &[(&str, &str)] = &[
    ("layout.html", include_str!("../templates/layout.html")),
    ("layout.txt", include_str!("../templates/layout.txt")),
    ("letter.html", include_str!("../templates/letter.html")),
    ("letter.txt", include_str!("../templates/letter.txt")),
];

/// What every letter is made of; one that a mail does not have is left out.
const PARTS: [&str; 4] = ["title", "body", "button", "note"];

/// The width of text bodies, in characters.
const WIDTH: usize = 76;

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
    /// A file of messages is no table of texts.
    #[error("the mail texts in {file} cannot be read: {source}")]
    Messages {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A file names a text that no mail has.
    #[error("{file} names a mail text that there is not: {key}")]
    UnknownMessage {
        /// The file.
        file: String,
        /// The mail and the key.
        key: String,
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
    words: Vec<(Language, messages::Texts)>,
    /// The language of mails that name none.
    default_language: Language,
}

impl Templates {
    /// Reads the templates of this program, and those of `directory`, which replace them file by file.
    ///
    /// # Errors
    /// A file that cannot be read or is no template. Nothing is found out only when a mail is due.
    pub fn load(
        brand: &Brand,
        default_language: Language,
        directory: Option<&Path>,
    ) -> Result<Self, TemplateError> {
        let mut sources: BTreeMap<String, Cow<'static, str>> =
            BUILT_IN.iter().map(|(name, source)| ((*name).to_owned(), Cow::Borrowed(*source))).collect();
        if let Some(directory) = directory {
            read_directory(directory, "", &mut sources)?;
        }
        let words = messages::load(directory)?;
        for (language, mail, key, text) in each(&words) {
            let file = word_file(language, mail, key);
            sources.insert(format!("{file}.txt"), Cow::Owned(text.to_owned()));
            sources.insert(format!("{file}.html"), Cow::Owned(text.to_owned()));
        }
        let mut environment = environment();
        environment.add_global("brand", minijinja::Value::from(Serde(brand)));
        environment.add_global("product", brand.product.as_str());
        for (name, source) in sources {
            let unfillable = |source| TemplateError::Unfillable { name: name.clone(), source };
            environment.add_template_owned(name.clone(), source).map_err(unfillable)?;
        }
        Ok(Self { environment, words, default_language })
    }

    /// Fills the template `name` in a language, else in the instance's.
    ///
    /// # Errors
    /// A mail that nothing is known of, or a parameter that was not given.
    pub fn fill(
        &self,
        name: &str,
        language: Option<Language>,
        params: &Map<String, Value>,
    ) -> Result<Texts, TemplateError> {
        let language = language.unwrap_or(self.default_language);
        let mail = Mail { templates: self, name, language, params };
        let own = format!("{}/{name}.subject.txt", language.tag());
        let subject = if self.has(&own) { mail.set("txt", &own)? } else { mail.say("subject", "txt")? };
        Ok(Texts { subject: one_line(&subject), text: mail.body("txt")?, html: mail.body("html")? })
    }

    fn has(&self, file: &str) -> bool {
        self.environment.get_template(file).is_ok()
    }

    fn render(&self, file: &str, context: minijinja::Value) -> Result<String, TemplateError> {
        let unfillable = |source| TemplateError::Unfillable { name: file.to_owned(), source };
        self.environment.get_template(file).map_err(unfillable)?.render(context).map_err(unfillable)
    }
}

/// One mail that is being filled.
struct Mail<'a> {
    templates: &'a Templates,
    name: &'a str,
    language: Language,
    params: &'a Map<String, Value>,
}

impl Mail<'_> {
    /// Sets the body: in the operator's own template for this mail, where there is one.
    fn body(&self, ending: &str) -> Result<String, TemplateError> {
        let own = format!("{}/{}.{ending}", self.language.tag(), self.name);
        if self.templates.has(&own) {
            self.set(ending, &own)
        } else {
            self.set(ending, &format!("letter.{ending}"))
        }
    }

    fn set(&self, ending: &str, file: &str) -> Result<String, TemplateError> {
        let mut say = BTreeMap::new();
        for part in PARTS.into_iter().filter(|part| self.words(self.name).contains_key(*part)) {
            say.insert(part, marked(ending, self.say(part, ending)?));
        }
        let frame: BTreeMap<_, _> = self
            .words("frame")
            .keys()
            .map(|key| Ok((key.as_str(), marked(ending, self.fill_word("frame", key, ending)?))))
            .collect::<Result<_, TemplateError>>()?;
        let context = context! { say, frame, ..self.context() };
        self.templates.render(file, context)
    }

    fn say(&self, part: &str, ending: &str) -> Result<String, TemplateError> {
        self.fill_word(self.name, part, ending)
    }

    fn fill_word(&self, mail: &str, key: &str, ending: &str) -> Result<String, TemplateError> {
        let file = format!("{}.{ending}", word_file(self.language, mail, key));
        self.templates.render(&file, context! { words => self.words(mail), ..self.context() })
    }

    fn context(&self) -> minijinja::Value {
        context! { language => self.language.tag(), ..minijinja::Value::from(Serde(self.params)) }
    }

    fn words(&self, mail: &str) -> &Words {
        static NONE: Words = Words::new();
        let texts = self.templates.words.iter().find(|(known, _)| *known == self.language);
        texts.and_then(|(_, texts)| texts.get(mail)).unwrap_or(&NONE)
    }
}

/// Names the template of one text, apart from those that an operator may bring.
fn word_file(language: Language, mail: &str, key: &str) -> String {
    format!("words/{}/{mail}/{key}", language.tag())
}

/// Goes through every text of every language.
fn each(words: &[(Language, messages::Texts)]) -> impl Iterator<Item = (Language, &str, &str, &str)> {
    words.iter().flat_map(|(language, texts)| {
        texts.iter().flat_map(move |(mail, words)| {
            words.iter().map(move |(key, text)| (*language, mail.as_str(), key.as_str(), text.as_str()))
        })
    })
}

/// A text that a template of HTML has filled is escaped already.
fn marked(ending: &str, text: String) -> minijinja::Value {
    if ending == "html" { minijinja::Value::from_safe_string(text) } else { text.into() }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|name| match ending(name) {
        Some("html") => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment.add_filter("href", href);
    environment.add_filter("wrap", wrap);
    environment
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

/// Breaks a paragraph into lines; a word that is longer than a line stays whole.
fn wrap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut width = 0;
    for word in text.split_ascii_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}

/// Joins lines and drops control characters: nothing in a subject can begin another header.
fn one_line(subject: &str) -> String {
    let words = subject.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
