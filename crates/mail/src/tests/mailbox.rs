//! The development mailbox.

use quoin_db::testing::on_each_engine;

use super::*;
use crate::adapters::MailboxTransport;
use crate::model::Message;
use crate::service::{clear_mailbox, list_mailbox};

#[tokio::test(flavor = "multi_thread")]
async fn the_mailbox_shows_mails_newest_first_and_by_address() {
    on_each_engine(MODULES, |db| async move {
        let app = app(&db, Arc::new(SystemClock));
        let sending = Sending::on(&app, MailboxTransport::new(db.clone()));
        let first = ask(&app, "alice@example.com").await;
        eventually("the first is there", async || list_mailbox(&db, None).await.unwrap().len() == 1).await;
        let second = ask(&app, "bob@example.com").await;
        eventually("the second is there", async || list_mailbox(&db, None).await.unwrap().len() == 2).await;
        sending.kill().await;
        let all = list_mailbox(&db, None).await.unwrap();
        assert_eq!(all.iter().map(|mail| mail.id).collect::<Vec<_>>(), [second, first]);
        let to_alice = list_mailbox(&db, Some(address("ALICE@example.com"))).await.unwrap();
        assert_eq!(to_alice.len(), 1);
        assert_eq!(
            (to_alice[0].to.as_str(), to_alice[0].links.as_slice()),
            ("alice@example.com", &[LINK.to_owned()][..])
        );
        assert!(to_alice[0].text.contains("123456") && to_alice[0].html.contains("123456"));
        clear_mailbox(&db).await.unwrap();
        assert!(list_mailbox(&db, None).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_second_try_is_not_a_second_mail() {
    on_each_engine(MODULES, |db| async move {
        let app = app(&db, fixed_clock());
        let message = Message {
            id: app.id(),
            from: "hello@acme.example".parse().unwrap(),
            to: address("alice@example.com"),
            subject: "Hi".into(),
            text: "Hi".into(),
            html: "<p>Hi</p>".into(),
            date: app.now(),
        };
        let mailbox = MailboxTransport::new(db.clone());
        for _ in 0..2 {
            mailbox.send(&message).await.unwrap();
        }
        assert_eq!(list_mailbox(&db, None).await.unwrap().len(), 1);
    })
    .await;
}
