//! Everything mails say, in every language, from one file each.

use std::collections::BTreeMap;
use std::path::Path;

use quoin_kernel::Language;

use super::TemplateError;

/// The texts of one mail by key: `subject`, `title`, `body`, `button`, `note`, and what these name.
pub(super) type Words = BTreeMap<String, String>;

/// The texts of one language by mail; `frame` holds what all share.
pub(super) type Texts = BTreeMap<String, Words>;

const fn built_in(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../../messages/en.toml"),
        Language::De => include_str!("../../messages/de.toml"),
        Language::It => include_str!("../../messages/it.toml"),
        Language::Es => include_str!("../../messages/es.toml"),
        Language::Fr => include_str!("../../messages/fr.toml"),
    }
}

/// Reads the texts of this program, and those of `directory`, which replace them one by one.
///
/// # Errors
/// A file that is no table of tables of texts, or names a text that there is not.
pub(super) fn load(directory: Option<&Path>) -> Result<Vec<(Language, Texts)>, TemplateError> {
    Language::ALL.into_iter().map(|language| Ok((language, texts(language, directory)?))).collect()
}

fn texts(language: Language, directory: Option<&Path>) -> Result<Texts, TemplateError> {
    let mut texts = parse(language.tag(), built_in(language))?;
    let path = directory.map(|directory| directory.join(format!("messages/{}.toml", language.tag())));
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(texts) };
    let file = path.display().to_string();
    let unreadable = |source| TemplateError::Unreadable { file: file.clone(), source };
    let source = std::fs::read_to_string(&path).map_err(unreadable)?;
    for (mail, words) in parse(&file, &source)? {
        for (key, text) in words {
            let known = texts.get_mut(&mail).and_then(|words| words.get_mut(&key));
            let known = known.ok_or_else(|| TemplateError::UnknownMessage {
                file: file.clone(),
                key: format!("{mail}: {key}"),
            })?;
            *known = text;
        }
    }
    Ok(texts)
}

fn parse(file: &str, source: &str) -> Result<Texts, TemplateError> {
    toml::from_str(source)
        .map_err(|source| TemplateError::Messages { file: file.to_owned(), source: Box::new(source) })
}
