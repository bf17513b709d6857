//! Everything the pages say, in every language, from one file each.

use std::collections::BTreeMap;
use std::path::Path;

use quoin_identity::error::IdentityError;
use quoin_kernel::Problem;

use crate::look::LookError;
use quoin_kernel::Language;

type Texts = BTreeMap<String, String>;

/// The texts of all languages.
#[derive(Debug)]
pub struct Messages(Vec<(Language, Texts)>);

const fn built_in(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../messages/en.toml"),
        Language::De => include_str!("../messages/de.toml"),
        Language::It => include_str!("../messages/it.toml"),
        Language::Es => include_str!("../messages/es.toml"),
        Language::Fr => include_str!("../messages/fr.toml"),
    }
}

impl Messages {
    /// Reads the texts of this program, and those of `directory`, which replace them one by one.
    ///
    /// # Errors
    /// A file that is no table of texts, or names a message that there is not.
    pub fn load(directory: Option<&Path>) -> Result<Self, LookError> {
        Language::ALL
            .into_iter()
            .map(|language| Ok((language, texts(language, directory)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns a text.
    pub fn find(&self, language: Language, key: &str) -> Option<&str> {
        let (_, texts) = self.0.iter().find(|(known, _)| *known == language)?;
        texts.get(key).map(String::as_str)
    }

    /// Says in a person's language why something was refused, and what to do. What has no text of its own is said as the
    /// programs hear it, in English.
    pub fn of_problem(&self, language: Language, problem: &Problem) -> String {
        let code = problem.code();
        let text = reason_of(problem)
            .and_then(|reason| self.find(language, &format!("problem.{code}.{reason}")))
            .or_else(|| self.find(language, &format!("problem.{code}")));
        text.unwrap_or_else(|| problem.message()).to_owned()
    }
}

/// Tells apart what shares a code.
fn reason_of(problem: &Problem) -> Option<String> {
    if problem.code() == "weak_password" {
        return problem.body("")["weak_password"]["reasons"][0].as_str().map(str::to_owned);
    }
    // They share a code, and their titles tell them apart.
    let facts = [
        (Problem::from(IdentityError::LinkUsed), "used"),
        (Problem::from(IdentityError::LinkTooOld), "expired"),
        (Problem::from(IdentityError::LinkReplaced), "replaced"),
    ];
    let same = |known: &Problem| (known.code(), known.title()) == (problem.code(), problem.title());
    facts.into_iter().find(|(known, _)| same(known)).map(|(_, reason)| reason.to_owned())
}

fn texts(language: Language, directory: Option<&Path>) -> Result<Texts, LookError> {
    let mut texts = parse(language.tag(), built_in(language))?;
    let Some(path) = directory.map(|directory| directory.join(format!("messages/{}.toml", language.tag())))
    else {
        return Ok(texts);
    };
    if !path.exists() {
        return Ok(texts);
    }
    let name = path.display().to_string();
    let source = std::fs::read_to_string(&path)
        .map_err(|source| LookError::Unreadable { file: name.clone(), source })?;
    for (key, text) in parse(&name, &source)? {
        let known =
            texts.get_mut(&key).ok_or_else(|| LookError::UnknownMessage { file: name.clone(), key })?;
        *known = text;
    }
    Ok(texts)
}

fn parse(file: &str, source: &str) -> Result<Texts, LookError> {
    toml::from_str(source)
        .map_err(|source| LookError::Messages { file: file.to_owned(), source: Box::new(source) })
}

#[cfg(test)]
mod tests;
