//! From the outbox to the server, through every fault on the way.

use quoin_db::testing::on_each_engine;
use quoin_kernel::page::Page;

use super::smtp_server::{Does, SmtpServer};
use super::*;
use crate::adapters::SmtpTransport;

fn smtp(server: &SmtpServer) -> SmtpTransport {
    SmtpTransport::with_timeout(&server.url(), None, Duration::from_millis(700)).unwrap()
}

async fn queue_length(db: &Db) -> usize {
    quoin_jobs::service::list(db, None, None, Page { limit: 1000, after: None }).await.unwrap().data.len()
}

fn message_id(message: &str) -> &str {
    message.lines().find(|line| line.starts_with("Message-ID:")).unwrap()
}

/// Sends one mail through a server that does `plan`, and returns the messages that the server has read.
async fn send_through(db: &Db, plan: &[Does], messages: usize) -> Vec<String> {
    let server = SmtpServer::start(plan).await;
    let app = app(db, Arc::new(SystemClock));
    let sending = Sending::on(&app, smtp(&server));
    let id = ask(&app, "alice@example.com").await;
    eventually("the mail is sent", async || row(db, id).await == "sent None None None").await;
    eventually("the queue is empty", async || queue_length(db).await == 0).await;
    sending.kill().await;
    let seen = server.seen();
    assert_eq!(seen.len(), messages);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sent_once_and_what_it_held_is_erased() {
    on_each_engine(MODULES, |db| async move {
        let seen = send_through(&db, &[], 1).await;
        let message = &seen[0];
        assert!(
            message.contains("To: alice@example.com\r\n")
                && message.contains("Subject: Confirm your address")
        );
        assert!(message.contains("verify?token=3Dsesame") || message.contains(LINK), "{message}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_codes_are_stored_sealed_only() {
    on_each_engine(MODULES, |db| async move {
        let app = app(&db, Arc::new(SystemClock));
        let id = ask(&app, "alice@example.com").await;
        let row = row(&db, id).await;
        assert!(row.starts_with("requested Some(\"alice@example.com\")"), "{row}");
        assert!(!row.contains("sesame") && !row.contains("123456"), "{row}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_4xx_is_followed_by_another_try() {
    on_each_engine(MODULES, |db| async move {
        let plan = [Does::RefuseRecipient("451 4.7.1 try later"), Does::RefuseMessage("452 4.3.1 full")];
        send_through(&db, &plan, 2).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_do_not_cost_a_mail() {
    on_each_engine(MODULES, |db| async move {
        send_through(
            &db,
            &[Does::RefuseLogin("535 5.7.8 wrong"), Does::RefuseRecipient("530 5.7.0 log in")],
            1,
        )
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_the_same_message_is_sent_again() {
    on_each_engine(MODULES, |db| async move {
        for fault in [Does::HangUp, Does::FallSilent] {
            let seen = send_through(&db, &[fault], 2).await;
            assert_eq!(message_id(&seen[0]), message_id(&seen[1]), "receivers can tell");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_5xx_ends_a_mail_for_good() {
    on_each_engine(MODULES, |db| async move {
        let server =
            SmtpServer::start(&[Does::RefuseRecipient("550 5.1.1 <alice@example.com> unknown")]).await;
        let app = app(&db, Arc::new(SystemClock));
        let sending = Sending::on(&app, smtp(&server));
        let id = ask(&app, "alice@example.com").await;
        eventually("the mail has failed", async || row(&db, id).await == "failed None None None").await;
        eventually("the job is dead", async || {
            let jobs =
                quoin_jobs::service::list(&db, None, None, Page { limit: 10, after: None }).await.unwrap();
            jobs.data.iter().any(|job| job.last_error.is_some())
        })
        .await;
        let jobs = quoin_jobs::service::list(&db, None, None, Page { limit: 10, after: None }).await.unwrap();
        let error = jobs.data[0].last_error.clone().unwrap();
        assert!(error.contains("5.1.1") && !error.contains("alice"), "{error}");
        sending.kill().await;
        assert!(server.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_sending_loses_no_mail() {
    on_each_engine(MODULES, |db| async move {
        let server = SmtpServer::start(&[Does::FallSilent]).await;
        let clock = fixed_clock();
        let app = app(&db, clock.clone());
        let id = ask(&app, "alice@example.com").await;
        let patient = SmtpTransport::with_timeout(&server.url(), None, Duration::from_mins(1)).unwrap();
        let victim = Sending::start(&app, clock.clone(), Arc::new(patient));
        eventually("the server has read it", async || server.seen().len() == 1).await;
        victim.kill().await;
        assert!(row(&db, id).await.starts_with("requested"));
        clock.advance(Duration::from_secs(200));
        let heir = Sending::start(&app, clock, Arc::new(smtp(&server)));
        eventually("the mail is sent", async || row(&db, id).await == "sent None None None").await;
        heir.kill().await;
        let seen = server.seen();
        assert_eq!((seen.len(), message_id(&seen[0])), (2, message_id(&seen[1])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_to_a_forgotten_address_are_erased_and_never_sent() {
    on_each_engine(MODULES, |db| async move {
        let server = SmtpServer::start(&[]).await;
        let app = app(&db, Arc::new(SystemClock));
        let (alice, bob) = (ask(&app, "alice@example.com").await, ask(&app, "bob@example.com").await);
        let now = app.now();
        let forgotten = db.write::<_, DbError, _>("test.forget", move |tx| {
            crate::forget(tx, None, &address("Alice@Example.com"), now)
        });
        assert_eq!(forgotten.await.unwrap(), 1);
        let sending = Sending::on(&app, smtp(&server));
        eventually("the queue is empty", async || queue_length(&db).await == 0).await;
        sending.kill().await;
        assert_eq!(row(&db, alice).await, "failed None None None");
        assert_eq!(row(&db, bob).await, "sent None None None");
        assert_eq!(server.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_template_cannot_be_filled_fails_for_good() {
    on_each_engine(MODULES, |db| async move {
        let server = SmtpServer::start(&[]).await;
        let app = app(&db, Arc::new(SystemClock));
        let sending = Sending::on(&app, smtp(&server));
        let mail = NewMail::new(app.rng(), app.now(), address("alice@example.com"), "identity.confirm");
        let id = mail.id();
        db.write::<_, DbError, _>("test.ask", move |tx| crate::enqueue(tx, &mail)).await.unwrap();
        eventually("the mail has failed", async || row(&db, id).await == "failed None None None").await;
        sending.kill().await;
    })
    .await;
}

/// Sends one mail through the server that `QUOIN_TEST_SMTP_URL` names (with STARTTLS or implicit TLS, and its certificate
/// authority in the file `QUOIN_TEST_SMTP_CA`). Run by hand, with `--ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server of others"]
async fn a_real_server_takes_a_mail() {
    #[expect(clippy::disallowed_methods, reason = "whoever runs this says where the server is")]
    let setting = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let ca = std::fs::read(setting("QUOIN_TEST_SMTP_CA")).unwrap();
    let transport =
        SmtpTransport::new(&quoin_kernel::Secret::new(setting("QUOIN_TEST_SMTP_URL")), Some(&ca)).unwrap();
    let transport = Arc::new(transport);
    on_each_engine(MODULES, |db| {
        let transport = transport.clone();
        async move {
            let app = app(&db, Arc::new(SystemClock));
            let sending = Sending::start(&app, Arc::new(SystemClock), transport);
            let (sent, bounced) =
                (ask(&app, "alice@example.com").await, ask(&app, "bounce@example.com").await);
            let deferred = ask(&app, "defer@example.com").await;
            eventually("the mail is sent", async || row(&db, sent).await == "sent None None None").await;
            eventually("the other has failed", async || row(&db, bounced).await == "failed None None None")
                .await;
            eventually("the third waits for its next try", async || {
                let page = Page { limit: 10, after: None };
                let jobs = quoin_jobs::service::list(&db, None, None, page).await.unwrap().data;
                jobs.iter().any(|job| job.last_error.as_deref().is_some_and(|error| error.contains("4.3.0")))
            })
            .await;
            assert!(row(&db, deferred).await.starts_with("requested"));
            sending.kill().await;
        }
    })
    .await;
}
