//! The pages' doors and what stands against a person: a page is one more door to the same services, and none of them is wider.

use http::{Method, header};
use quoin_server::settings::Settings;
use quoin_testkit::{Answer, TestServer, on_each_engine_with};
use serde_json::json;

use crate::pages::{Browser, PASSWORD};

/// A way into the account on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Password,
    Link,
    Code,
    Recovery,
}

/// What stands against a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Nothing,
    Banned,
    Unverified,
    SecondFactorOwed,
    TooManyFailures,
    Erased,
}

/// What must happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Opens,
    /// Nothing but the page of the second factor.
    OpensWeakly,
    Shut,
}

const DOORS: [Door; 4] = [Door::Password, Door::Link, Door::Code, Door::Recovery];
const CONTROLS: [Control; 6] = [
    Control::Nothing,
    Control::Banned,
    Control::Unverified,
    Control::SecondFactorOwed,
    Control::TooManyFailures,
    Control::Erased,
];
const TRIES: u32 = 3;

const fn expected(door: Door, control: Control) -> Then {
    match (control, door) {
        (Control::Banned | Control::Erased, _)
        | (Control::Unverified, Door::Password)
        | (Control::TooManyFailures, Door::Password | Door::Code) => Then::Shut,
        (Control::SecondFactorOwed, _) => Then::OpensWeakly,
        _ => Then::Opens,
    }
}

fn narrow(settings: &mut Settings) {
    settings.identity.failures_per_account = TRIES;
    settings.identity.failures_per_ip = 1000;
    settings.identity.mails_per_ip = 1000;
}

#[tokio::test]
async fn every_page_that_lets_in_holds_everybody_to_every_control() {
    on_each_engine_with(narrow, |server| async move {
        let mut wrong = Vec::new();
        for door in DOORS {
            for control in CONTROLS {
                let email = format!("{door:?}-{control:?}@doors.example").to_lowercase();
                let then = knock(&server, &email, door, control).await;
                if then != expected(door, control) {
                    wrong.push(format!("{door:?} × {control:?}: {then:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

async fn knock(server: &TestServer, email: &str, door: Door, control: Control) -> Then {
    let body = json!({"email": email, "password": PASSWORD, "email_confirm": control != Control::Unverified});
    let made = server.admin(Method::POST, "/auth/v1/admin/users", Some(&body)).await.expect(200).json();
    if control == Control::SecondFactorOwed {
        let own = Browser::new(server);
        own.sign_in(email, PASSWORD).await.expect(303);
        own.add_app().await;
    }
    let browser = Browser::new(server);
    let asked = ask(&browser, email, door).await;
    // Whoever has added a factor was told so by mail before.
    let mails = if control == Control::SecondFactorOwed { 2 } else { 1 };
    let (mut mail, mut link) = (String::new(), String::new());
    if asked.is_some() {
        server.mail(email, mails).await["text"].as_str().unwrap().clone_into(&mut mail);
        link = browser.link(email, mails).await;
    }
    impose(server, email, made["id"].as_str().unwrap(), control).await;
    match (door, asked) {
        (Door::Password, _) => drop(browser.sign_in(email, PASSWORD).await),
        (Door::Code, Some(page)) => {
            let code = mail.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 8).unwrap();
            browser.submit(&page, "/sign-in/code", &[("code", code)]).await;
        }
        _ => {
            let page = browser.open(&link).await;
            if page.status == 200 {
                browser.submit(&page, "/confirm", &[]).await;
            }
        }
    }
    let account = browser.open("/account").await;
    let elsewhere = account.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
    match elsewhere {
        None if account.status == 200 => Then::Opens,
        Some(to) if to.contains("/second-factor") => Then::OpensWeakly,
        _ => Then::Shut,
    }
}

/// Has sent what the door needs, before the control falls.
async fn ask(browser: &Browser<'_>, email: &str, door: Door) -> Option<Answer> {
    let path = match door {
        Door::Password => return None,
        Door::Link | Door::Code => "/sign-in/link",
        Door::Recovery => "/recover",
    };
    let page = browser.open(path).await.expect(200);
    Some(browser.submit(&page, path, &[("email", email)]).await.expect(200))
}

async fn impose(server: &TestServer, email: &str, id: &str, control: Control) {
    let path = format!("/auth/v1/admin/users/{id}");
    match control {
        Control::Nothing | Control::Unverified | Control::SecondFactorOwed => {}
        Control::Banned => {
            server.admin(Method::PUT, &path, Some(&json!({"ban_duration": "1h"}))).await.expect(200);
        }
        Control::Erased => {
            server.admin(Method::DELETE, &path, Some(&json!({}))).await.expect(200);
        }
        Control::TooManyFailures => {
            for _ in 0..TRIES {
                Browser::new(server).sign_in(email, "not the password").await.expect(400);
            }
        }
    }
}
