use std::path::PathBuf;

use minijinja::context;
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Timestamp, UserId};
use quoin_web::Mode;

use super::*;

/// A directory that goes away with the value.
struct Folder(PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let name = UserId::new(Timestamp::from_micros(0), &SystemRng::default());
        let folder = Self(std::env::temp_dir().join(format!("quoin-pages-{name}")));
        for (file, text) in files {
            let path = folder.0.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn config(&self) -> PagesConfig {
        PagesConfig { templates_dir: Some(self.0.clone()), ..PagesConfig::default() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn load(config: &PagesConfig) -> Result<Look, LookError> {
    let url = "https://id.example.com/people".parse().unwrap();
    Look::load("Engines & Co", config, &WebConfig::at(url, Mode::Production))
}

fn values() -> Value {
    context! { language => "de", csrf => context! { name => "csrf_token", value => "\"><script>" }, carry => "", carried => Vec::<Value>::new() }
}

#[test]
fn everything_that_a_page_shows_is_escaped_and_lies_below_the_public_url() {
    let page = load(&PagesConfig::default()).unwrap().fill("recover.html", values()).unwrap();
    assert!(page.contains("Engines &amp; Co") && !page.contains("<script>"), "{page}");
    assert!(page.contains("action=\"/people/recover\""), "{page}");
    assert!(page.contains("href=\"&#x2f;people&#x2f;assets&#x2f;style-"), "{page}");
}

#[test]
fn a_file_of_the_directory_replaces_a_template_and_a_single_message() {
    let folder = Folder::with(&[
        ("problem.html", "{{ t(\"recover.button\") }}, {{ t(\"recover.back\") }}"),
        ("messages/de.toml", "\"recover.button\" = \"Los\""),
    ]);
    let look = load(&folder.config()).unwrap();
    assert_eq!(look.fill("problem.html", values()).unwrap(), "Los, Zurück zur Anmeldung");
}

#[test]
fn what_cannot_be_used_stops_the_start() {
    let files: [&[(&str, &str)]; 3] = [
        &[("sign_in.html", "{% if %}")],
        &[("messages/en.toml", "\"recover.buton\" = \"Go\"")],
        &[("messages/fr.toml", "not toml")],
    ];
    for files in files {
        assert!(load(&Folder::with(files).config()).is_err(), "{files:?}");
    }
    let pale = PagesConfig { accent: "#ffee00".into(), ..PagesConfig::default() };
    assert!(matches!(load(&pale), Err(LookError::Setting(_))));
    let missing = PagesConfig { style_file: Some("/nowhere.css".into()), ..PagesConfig::default() };
    assert!(matches!(load(&missing), Err(LookError::Unreadable { .. })));
    let odd = PagesConfig { logo_file: Some("logo.exe".into()), ..PagesConfig::default() };
    assert!(matches!(load(&odd), Err(LookError::Logo)));
}

#[test]
fn the_address_of_a_file_changes_with_its_content() {
    let folder = Folder::with(&[("logo.svg", "<svg/>")]);
    let logo = |accent: &str| PagesConfig {
        accent: accent.into(),
        logo_file: Some(folder.0.join("logo.svg")),
        ..PagesConfig::default()
    };
    let names = |config: &PagesConfig| load(config).unwrap().assets.keys().cloned().collect::<Vec<_>>();
    let (one, two) = (names(&logo("#0b57d0")), names(&logo("#8a2be2")));
    assert_eq!(one[..2], two[..2], "logo and script stay");
    assert!(one[0].starts_with("logo-") && one[2].starts_with("style-") && one[2] != two[2], "{one:?}");
}
