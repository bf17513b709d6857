//! The pages, opened and sent as a browser without scripts does.

use std::cell::RefCell;
use std::collections::BTreeMap;

use http::{Request, header};
use quoin_testkit::{Answer, Authenticator, TestServer, on_each_engine, on_each_engine_with};
use serde_json::json;
use totp_rs::{Builder, Secret};

const OWN_ORIGIN: &str = "http://127.0.0.1:8080";
pub(crate) const PASSWORD: &str = "three unrelated words";
const APP: &str = "https://app.example.com/home";

/// A browser: cookies, a language, and the page it shows.
pub(crate) struct Browser<'a> {
    server: &'a TestServer,
    cookies: RefCell<BTreeMap<String, String>>,
    language: &'static str,
    origin: &'static str,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a TestServer) -> Self {
        Self { server, cookies: RefCell::default(), language: "en", origin: OWN_ORIGIN }
    }

    fn cookie_names(&self) -> Vec<String> {
        self.cookies.borrow().keys().cloned().collect()
    }

    async fn send(&self, method: &str, path: &str, form: Option<String>) -> Answer {
        let path = path.strip_prefix(OWN_ORIGIN).unwrap_or(path);
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::COOKIE, cookies.join("; "));
        request = request.header(header::ACCEPT_LANGUAGE, self.language);
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            request = request.header(header::ORIGIN, self.origin);
        }
        let body = bytes::Bytes::from(form.unwrap_or_default());
        let answer = self.server.send(request.body(body.into()).unwrap()).await;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("; HttpOnly; SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.cookies.borrow_mut();
            if line.contains("Max-Age=0") {
                cookies.remove(name)
            } else {
                cookies.insert(name.into(), value.into())
            };
        }
        answer
    }

    /// Opens a page, a second after the last one: mails are told apart by their time.
    pub(crate) async fn open(&self, path: &str) -> Answer {
        self.server.advance(std::time::Duration::from_secs(1));
        self.send("GET", path, None).await
    }

    /// Sends the form of a page that leads to `action`, with what a person types.
    pub(crate) async fn submit(&self, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
        let html = page.text();
        let start =
            html.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form {action}: {html}"));
        let form = html[start..].split("</form>").next().unwrap();
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for input in form.split("<input type=\"hidden\"").skip(1) {
            fields.insert(attribute(input, "name"), attribute(input, "value"));
        }
        fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.post(action, &fields).await
    }

    async fn post(&self, action: &str, fields: &BTreeMap<String, String>) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", action, Some(body)).await
    }

    /// Follows a redirect.
    pub(crate) async fn follow(&self, answer: &Answer) -> Answer {
        self.open(&location(answer)).await
    }

    /// Signs up and confirms by the mailed link; ends on the account.
    async fn arrive(&self, email: &str) -> Answer {
        let page = self.open("/sign-up").await.expect(200);
        let typed = [("email", email), ("password", PASSWORD), ("name", "Ada")];
        self.submit(&page, "/sign-up", &typed).await.expect(200);
        let link = self.link(email, 1).await;
        let page = self.open(&link).await.expect(200);
        let done = self.submit(&page, "/confirm", &[]).await.expect(303);
        self.follow(&done).await.expect(200)
    }

    pub(crate) async fn link(&self, email: &str, count: usize) -> String {
        let mail = self.server.mail(email, count).await;
        mail["links"][0].as_str().unwrap().to_owned()
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        let page = self.open("/sign-in").await.expect(200);
        self.submit(&page, "/sign-in", &[("email", email), ("password", password)]).await
    }

    /// Adds an authenticator app and returns its secret and the recovery codes.
    pub(crate) async fn add_app(&self) -> (String, Vec<String>) {
        let page = self.open("/account/security").await.expect(200);
        let page = self.submit(&page, "/account/app", &[("name", "phone")]).await.expect(200);
        let html = page.text();
        let secret =
            html.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
        let wrong = self.submit(&page, "/account/app/verify", &[("code", "000000")]).await.expect(422);
        assert!(wrong.text().contains("The code is not right."));
        let codes =
            self.submit(&page, "/account/app/verify", &[("code", &self.code(&secret))]).await.expect(200);
        let codes: Vec<String> = codes
            .text()
            .split("<code>")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect();
        assert_eq!(codes.len(), 10);
        (secret, codes)
    }

    fn code(&self, secret: &str) -> String {
        let secret = Secret::try_from_base32(secret).unwrap();
        let app = Builder::new().with_secret(secret).build().unwrap();
        app.generate(u64::try_from(self.server.now().as_seconds()).unwrap()).to_string()
    }
}

fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
    value.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&amp;", "&").replace("&#34;", "\"")
}

fn location(answer: &Answer) -> String {
    answer.headers[header::LOCATION].to_str().unwrap().to_owned()
}

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where an application that uses PKCE sends people.
fn with_challenge() -> String {
    format!("/sign-in?redirect_to={APP}&code_challenge={CHALLENGE}&code_challenge_method=s256")
}

/// Reads the code that an application gets, and that it gets nothing else.
fn code_of(landed: &Answer) -> String {
    let url = location(landed);
    assert!(url.starts_with(&format!("{APP}?code=")) && !url.contains("token"), "{url}");
    url.split_once("code=").unwrap().1.to_owned()
}

async fn exchange(server: &TestServer, code: &str, verifier: &str) -> Answer {
    let body = json!({"auth_code": code, "code_verifier": verifier});
    server.anon(http::Method::POST, "/auth/v1/token?grant_type=pkce", Some(&body)).await
}

/// What every page owes its visitor.
fn is_guarded(page: &Answer) {
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self' data:"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers[header::X_FRAME_OPTIONS], "DENY");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    let html = page.text();
    assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains(" onclick="), "{html}");
}

#[tokio::test]
async fn somebody_signs_up_confirms_signs_out_and_in_again() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        for path in ["/sign-in", "/sign-up", "/sign-in/link", "/recover"] {
            is_guarded(&browser.open(path).await.expect(200));
        }
        let account = browser.arrive("ada@example.com").await;
        is_guarded(&account);
        assert!(account.text().contains("value=\"Ada\"") && account.text().contains("ada@example.com"));
        for path in ["/account/security", "/account/sessions", "/account/organisations"] {
            is_guarded(&browser.open(path).await.expect(200));
        }
        let out = browser.submit(&account, "/sign-out", &[]).await.expect(303);
        assert!(location(&out).ends_with("/sign-in"));
        assert_eq!(browser.cookie_names(), ["quoin-csrf"]);
        assert!(location(&browser.open("/account").await.expect(303)).ends_with("/sign-in"));
        let wrong = browser.sign_in("ada@example.com", "another three words").await.expect(400);
        assert!(
            wrong.text().contains("role=\"alert\"") && wrong.text().contains("is not right"),
            "{}",
            wrong.text()
        );
        let unknown = browser.sign_in("nobody@example.com", PASSWORD).await.expect(400);
        assert_eq!(unknown.text().replace("nobody", "ada"), wrong.text());
        let done = browser.sign_in("ada@example.com", PASSWORD).await.expect(303);
        browser.follow(&done).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_form_from_elsewhere_or_without_its_token_does_nothing() {
    on_each_engine(|server| async move {
        let mut browser = Browser::new(&server);
        let account = browser.arrive("ada@example.com").await;
        browser.origin = "https://evil.example";
        let forged = browser.submit(&account, "/account", &[("name", "Eve")]).await.expect(403);
        assert!(forged.text().contains("did not come from our page") && !forged.text().contains("Eve"));
        browser.submit(&account, "/sign-out", &[]).await.expect(403);
        browser.origin = OWN_ORIGIN;
        browser.submit(&account, "/account", &[("name", "Eve"), ("csrf_token", "x")]).await.expect(403);
        let bare = BTreeMap::from([("name".to_owned(), "Eve".to_owned())]);
        browser.post("/account", &bare).await.expect(403);
        let still = browser.open("/account").await.expect(200);
        assert!(still.text().contains("value=\"Ada\""));
        let renamed =
            browser.submit(&still, "/account", &[("name", "Ada L."), ("locale", "en")]).await.expect(200);
        assert!(renamed.text().contains("value=\"Ada L.\""));
    })
    .await;
}

#[tokio::test]
async fn a_link_works_once_and_says_why_it_no_longer_does() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        let other = Browser::new(&server);
        let ask = async |count| {
            let page = other.open("/sign-in/link").await.expect(200);
            let sent =
                other.submit(&page, "/sign-in/link", &[("email", "ada@example.com")]).await.expect(200);
            (sent, other.link("ada@example.com", count).await)
        };
        let (_, first) = ask(2).await;
        let (sent, second) = ask(3).await;
        assert!(other.open(&first).await.expect(403).text().contains("A newer mail was sent"));
        let wrong = other.submit(&sent, "/sign-in/code", &[("code", "00000000")]).await.expect(403);
        assert!(wrong.text().contains("role=\"alert\""));
        let page = other.open(&second).await.expect(200);
        other.open(&second).await.expect(200);
        let done = other.submit(&page, "/confirm", &[]).await.expect(303);
        other.follow(&done).await.expect(200);
        assert!(other.submit(&page, "/confirm", &[]).await.expect(403).text().contains("it has been used"));
        let (_, third) = ask(4).await;
        server.advance(std::time::Duration::from_secs(601));
        assert!(other.open(&third).await.expect(403).text().contains("worked for a few minutes only"));
        assert!(
            other
                .open("/confirm?token=guessed&type=signup")
                .await
                .expect(403)
                .text()
                .contains("is not valid")
        );
    })
    .await;
}

#[tokio::test]
async fn a_mailed_code_signs_in_and_a_recovery_ends_with_a_new_password() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        let other = Browser::new(&server);
        let page = other.open("/recover").await.expect(200);
        let sent = other.submit(&page, "/recover", &[("email", "ada@example.com")]).await.expect(200);
        let mail = server.mail("ada@example.com", 2).await;
        let text = mail["text"].as_str().unwrap();
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 8).unwrap().to_owned();
        let done = other.submit(&sent, "/sign-in/code", &[("code", &code)]).await.expect(303);
        assert!(location(&done).contains("/new-password"));
        let page = other.follow(&done).await.expect(200);
        let weak = other.submit(&page, "/new-password", &[("password", "12345678")]).await.expect(422);
        assert!(weak.text().contains("guessed first"));
        let done =
            other.submit(&page, "/new-password", &[("password", "four quite other words")]).await.expect(303);
        assert!(location(&done).ends_with("/account"));
        assert!(
            location(&browser.open("/account").await.expect(303)).ends_with("/sign-in"),
            "other sessions end"
        );
        Browser::new(&server).sign_in("ada@example.com", PASSWORD).await.expect(400);
        Browser::new(&server).sign_in("ada@example.com", "four quite other words").await.expect(303);
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_is_asked_before_anything_else() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        let (secret, codes) = browser.add_app().await;
        server.advance(std::time::Duration::from_mins(1));
        let other = Browser::new(&server);
        let done = other.sign_in("ada@example.com", PASSWORD).await.expect(303);
        assert!(location(&done).ends_with("/second-factor"));
        for path in
            ["/account", "/account/security", "/account/sessions", "/account/organisations", "/new-password"]
        {
            assert!(location(&other.open(path).await.expect(303)).contains("/second-factor"), "{path}");
        }
        let page = other.follow(&done).await.expect(200);
        other.submit(&page, "/second-factor", &[("code", "111111")]).await.expect(422);
        let done = other.submit(&page, "/second-factor", &[("code", &other.code(&secret))]).await.expect(303);
        other.follow(&done).await.expect(200);
        let third = Browser::new(&server);
        third.sign_in("ada@example.com", PASSWORD).await.expect(303);
        let page = third.open("/second-factor?with=recovery").await.expect(200);
        let done = third.submit(&page, "/second-factor", &[("code", &codes[0])]).await.expect(303);
        third.follow(&done).await.expect(200);
        let fourth = Browser::new(&server);
        fourth.sign_in("ada@example.com", PASSWORD).await.expect(303);
        let page = fourth.open("/second-factor?with=recovery").await.expect(200);
        fourth.submit(&page, "/second-factor", &[("code", &codes[0])]).await.expect(422);
    })
    .await;
}

#[tokio::test]
async fn an_application_gets_its_tokens_and_the_browser_keeps_none() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        let other = Browser::new(&server);
        let page = other.open(&format!("/sign-in?redirect_to={APP}")).await.expect(200);
        assert!(
            page.headers[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .contains("form-action 'self' https://app.example.com;")
        );
        let done =
            other.submit(&page, "/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
        let landed = location(&done.expect(303));
        assert!(
            landed.starts_with(&format!("{APP}#access_token=")) && landed.contains("&refresh_token="),
            "{landed}"
        );
        assert_eq!(other.cookie_names(), ["quoin-csrf"]);
        let elsewhere = other.open("/sign-in?redirect_to=https://evil.example/").await.expect(200);
        assert!(!elsewhere.text().contains("evil.example"));
        let done = other
            .submit(
                &elsewhere,
                "/sign-in",
                &[
                    ("email", "ada@example.com"),
                    ("password", PASSWORD),
                    ("redirect_to", "https://evil.example/"),
                ],
            )
            .await;
        assert!(location(&done.expect(303)).ends_with("/account"));
    })
    .await;
}

#[tokio::test]
async fn sessions_end_from_the_page_and_at_the_next_request() {
    on_each_engine(|server| async move {
        let (here, there) = (Browser::new(&server), Browser::new(&server));
        here.arrive("ada@example.com").await;
        there.sign_in("ada@example.com", PASSWORD).await.expect(303);
        there.open("/account").await.expect(200);
        let page = here.open("/account/sessions").await.expect(200);
        here.submit(&page, "/account/sessions", &[]).await.expect(303);
        assert!(location(&there.open("/account").await.expect(303)).ends_with("/sign-in"));
        here.open("/account").await.expect(200);
        let page = here.open("/account/security").await.expect(200);
        let typed = [("current_password", "not this one"), ("password", "four quite other words")];
        here.submit(&page, "/account/password", &typed).await.expect(400);
        let typed = [("current_password", PASSWORD), ("password", "four quite other words")];
        here.submit(&page, "/account/password", &typed).await.expect(303);
        there.sign_in("ada@example.com", "four quite other words").await.expect(303);
    })
    .await;
}

#[tokio::test]
async fn pages_continue_a_session_whose_access_token_has_expired() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        server.advance(std::time::Duration::from_secs(3601));
        browser.open("/account").await.expect(200);
        server.advance(std::time::Duration::from_hours(61 * 24));
        browser.open("/account").await.expect(303);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_accepted_by_whom_it_was_sent_to() {
    on_each_engine(|server| async move {
        let owner = server.person("owner").await;
        let team = owner
            .call(&server, http::Method::POST, "/orgs/v1/orgs", Some(&json!({"name": "Team"})))
            .await
            .expect(201)
            .json();
        let path = format!("/orgs/v1/orgs/{}/invitations", team["id"].as_str().unwrap());
        owner
            .call(&server, http::Method::POST, &path, Some(&json!({"email": "ada@example.com"})))
            .await
            .expect(201);
        let link = server.mail("ada@example.com", 1).await["links"][0].as_str().unwrap().to_owned();
        let token = link.split("token=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let path = format!("/invitation?token={token}");
        let eve = Browser::new(&server);
        eve.arrive("eve@example.com").await;
        let page = eve.open(&path).await.expect(200);
        assert!(page.text().contains("Team"));
        assert!(eve.submit(&page, "/invitation", &[]).await.expect(403).text().contains("another address"));
        let ada = Browser::new(&server);
        let page = ada.open(&path).await.expect(200);
        assert!(page.text().contains("/sign-up?redirect_to="), "whoever has no account yet makes one");
        let page = ada.open("/sign-up").await.expect(200);
        ada.submit(&page, "/sign-up", &[("email", "ada@example.com"), ("password", PASSWORD)])
            .await
            .expect(200);
        let page = ada.open(&ada.link("ada@example.com", 2).await).await.expect(200);
        ada.submit(&page, "/confirm", &[]).await.expect(303);
        let page = ada.open(&path).await.expect(200);
        let done = ada.submit(&page, "/invitation", &[]).await.expect(303);
        assert!(ada.follow(&done).await.expect(200).text().contains("Team"));
        ada.open(&path).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn pages_speak_the_browsers_language_and_then_the_persons_own() {
    on_each_engine(|server| async move {
        let mut browser = Browser::new(&server);
        for (language, word) in [
            ("de-AT", "Anmelden"),
            ("it", "Accedi"),
            ("es", "Iniciar"),
            ("fr", "connecter"),
            ("nl", "Sign in"),
        ] {
            browser.language = language;
            let page = browser.open("/sign-in").await.expect(200).text();
            assert!(page.contains(word) && page.contains("<html lang=\""), "{language}");
        }
        browser.language = "de";
        let account = browser.arrive("ada@example.com").await;
        assert!(account.text().contains("<html lang=\"de\">"));
        browser.language = "en";
        let account = browser.open("/account").await.expect(200);
        assert!(account.text().contains("<html lang=\"de\">"), "signing up has noted the language");
        let account =
            browser.submit(&account, "/account", &[("name", "Ada"), ("locale", "fr")]).await.expect(200);
        assert!(account.text().contains("<html lang=\"fr\">"));
    })
    .await;
}

#[tokio::test]
async fn a_demanded_second_factor_is_enrolled_on_the_way_in() {
    on_each_engine_with(
        |settings| settings.identity.second_factor_required = true,
        |server| async move {
            let browser = Browser::new(&server);
            let page = browser.arrive("ada@example.com").await;
            assert!(page.text().contains("A second factor is needed here"));
            let page = browser.submit(&page, "/account/app", &[]).await.expect(200);
            let html = page.text();
            let secret =
                html.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
            let codes = browser
                .submit(&page, "/account/app/verify", &[("code", &browser.code(&secret))])
                .await
                .expect(200);
            let done = browser.submit(&codes, "/continue", &[]).await.expect(303);
            browser.follow(&done).await.expect(200);
        },
    )
    .await;
}

#[tokio::test]
async fn a_passkey_is_made_and_signs_in_and_another_devices_does_not() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        let mut device = Authenticator::new("localhost", "http://localhost:8080");
        let question = async |browser: &Browser<'_>, path: &str, action: &str| {
            let page = browser.open(path).await.expect(200);
            let page = browser.submit(&page, action, &[]).await.expect(200);
            let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("; script-src 'self';"), "{policy}");
            let options: serde_json::Value =
                serde_json::from_str(&attribute(&page.text(), "data-options")).unwrap();
            (page, options)
        };
        let (page, options) = question(&browser, "/account/security", "/account/passkeys").await;
        let made = device.create(&options).to_string();
        let nothing = browser.submit(&page, "/account/passkeys/verify", &[("credential", "{}")]).await;
        nothing.expect(400);
        let done =
            browser.submit(&page, "/account/passkeys/verify", &[("credential", &made)]).await.expect(303);
        assert!(browser.follow(&done).await.expect(200).text().contains("The passkey was added."));

        let other = Browser::new(&server);
        let (page, options) = question(&other, "/sign-in", "/sign-in/passkey").await;
        let mut theirs = Authenticator::new("localhost", "http://localhost:8080");
        let right = device.get(&options);
        theirs.pretend(right["response"]["userHandle"].as_str().unwrap());
        let forged = theirs.get(&options).to_string();
        let refused =
            other.submit(&page, "/sign-in/passkey/verify", &[("credential", &forged)]).await.expect(400);
        assert!(refused.text().contains("was not accepted"));
        let right = right.to_string();
        let done =
            other.submit(&page, "/sign-in/passkey/verify", &[("credential", &right)]).await.expect(303);
        other.follow(&done).await.expect(200);
        other.submit(&page, "/sign-in/passkey/verify", &[("credential", &right)]).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn an_application_that_uses_pkce_gets_a_code_once_and_for_its_verifier() {
    on_each_engine(|server| async move {
        Browser::new(&server).arrive("ada@example.com").await;
        let browser = Browser::new(&server);
        let page = browser.open(&with_challenge()).await.expect(200);
        let typed = [("email", "ada@example.com"), ("password", PASSWORD)];
        let code = code_of(&browser.submit(&page, "/sign-in", &typed).await.expect(303));
        assert_eq!(browser.cookie_names(), ["quoin-csrf"], "the session is the application's");
        exchange(&server, &code, "another-verifier-that-nobody-has-asked-with").await.expect(400);
        let tries = (0..50).map(|_| exchange(&server, &code, VERIFIER));
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        let page = browser.open(&with_challenge()).await.expect(200);
        let code = code_of(&browser.submit(&page, "/sign-in", &typed).await.expect(303));
        let session = exchange(&server, &code, VERIFIER).await.expect(200).json();
        let token = session["access_token"].as_str().unwrap();
        server.call(http::Method::GET, "/auth/v1/user", Some(token), None).await.expect(200);
        exchange(&server, &code, VERIFIER).await.expect(404);
        server.call(http::Method::GET, "/auth/v1/user", Some(token), None).await.expect(403);
        let odd =
            format!("/sign-in?redirect_to={APP}&code_challenge={CHALLENGE}&code_challenge_method=plain");
        browser.open(&odd).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_that_was_shown_on_the_pages_counts_in_the_application() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        let (secret, _) = browser.add_app().await;
        server.advance(std::time::Duration::from_mins(1));
        let other = Browser::new(&server);
        let page = other.open(&with_challenge()).await.expect(200);
        let typed = [("email", "ada@example.com"), ("password", PASSWORD)];
        let owed = other.submit(&page, "/sign-in", &typed).await.expect(303);
        let page = other.follow(&owed).await.expect(200);
        let shown =
            other.submit(&page, "/second-factor", &[("code", &other.code(&secret))]).await.expect(303);
        let session = exchange(&server, &code_of(&shown), VERIFIER).await.expect(200).json();
        let token = session["access_token"].as_str().unwrap();
        server.call(http::Method::GET, "/orgs/v1/orgs", Some(token), None).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_mailed_link_brings_the_challenge_along_to_another_browser() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        browser.arrive("ada@example.com").await;
        let page = browser.open(&with_challenge().replace("/sign-in?", "/sign-in/link?")).await.expect(200);
        browser.submit(&page, "/sign-in/link", &[("email", "ada@example.com")]).await.expect(200);
        let other = Browser::new(&server);
        let page = other.open(&other.link("ada@example.com", 2).await).await.expect(200);
        let code = code_of(&other.submit(&page, "/confirm", &[]).await.expect(303));
        exchange(&server, &code, VERIFIER).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn pages_of_the_api_wear_the_same_look_in_the_readers_language() {
    on_each_engine(|server| async move {
        let browser = Browser { language: "de-CH,de;q=0.9", ..Browser::new(&server) };
        let shown = [
            ("/auth/v1/magiclink", 200, "Per E-Mail anmelden"),
            ("/auth/v1/verify?type=magiclink&token=invented", 403, "Dieser Link funktioniert nicht"),
            ("/auth/v1/callback?state=invented&code=x", 400, "Dieser Link funktioniert nicht"),
            ("/orgs/v1/invitations/accept?token=invented", 403, "Einladung"),
            ("/", 200, "Der Server läuft"),
        ];
        for (path, status, words) in shown {
            let page = browser.open(path).await.expect(status);
            is_guarded(&page);
            let html = page.text();
            assert!(html.contains("<html lang=\"de\">") && html.contains(words), "{path}: {html}");
            assert!(html.contains("assets&#x2f;style-"), "{path}");
        }
        let page = browser.open("/auth/v1/magiclink").await.expect(200);
        let asked =
            browser.submit(&page, "/auth/v1/magiclink", &[("email", "kim@example.com")]).await.expect(200);
        let mail = server.mail("kim@example.com", 1).await;
        assert_eq!(mail["subject"], "Anmeldung bei Quoin");
        let link = mail["links"][0].as_str().unwrap().to_owned();
        let page = browser.open(&link).await.expect(200);
        assert!(page.text().contains("<h1>Anmelden</h1>"));
        browser.submit(&page, "/auth/v1/verify", &[]).await.expect(303);
        browser.submit(&asked, "/auth/v1/verify", &[("token", "00000000")]).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn everything_that_is_kept_of_a_person_is_theirs_to_download() {
    on_each_engine(|server| async move {
        let browser = Browser::new(&server);
        let page = browser.arrive("ada@example.com").await;
        let file = browser.submit(&page, "/account/export", &[]).await.expect(200);
        assert_eq!(file.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"account.json\"");
        assert_eq!(file.json()["account"]["email"], "ada@example.com");
    })
    .await;
}
