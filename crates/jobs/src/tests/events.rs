//! Events: one job per subscriber, exactly one.

use std::sync::Mutex;

use quoin_db::testing::on_each_engine;
use quoin_kernel::event::Event;
use quoin_kernel::{EventId, OrgId};
use serde_json::Value;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn each_subscriber_hears_of_each_event_once() {
    on_each_engine(MODULES, |db| async move {
        let heard: Arc<Mutex<Vec<(&'static str, Value)>>> = Arc::default();
        let listener = |name: &'static str| {
            let heard = heard.clone();
            JobType::new(name, 3, Duration::from_secs(30), move |_, payload| {
                heard.lock().unwrap().push((name, payload));
                std::future::ready(Ok(()))
            })
        };
        let start = || {
            let mut parts =
                parts(&db, vec![listener("test.one"), listener("test.two")], Arc::new(SystemClock));
            parts.subscriptions = Subscriptions::default()
                .on("test.user.created", "test.one")
                .on("test.user.created", "test.two");
            Running::start(parts)
        };
        let workers = [start(), start(), start()];
        let now = SystemClock.now();
        let org_id = OrgId::new(now, &SystemRng::default());
        for number in 0..100 {
            let id = EventId::new(now, &SystemRng::default());
            let name = if number < 90 { "test.user.created" } else { "test.nobody.listens" };
            let event = Event { name, org_id: Some(org_id), payload: json!({"number": number}) };
            db.write::<_, DbError, _>("test.publish", move |tx| crate::publish(tx, id, now, &event))
                .await
                .unwrap();
        }
        eventually("all are heard", async || heard.lock().unwrap().len() >= 180).await;
        eventually("the queue is empty", async || jobs(&db).await.is_empty()).await;
        for worker in workers {
            worker.stop().await;
        }
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 180);
        for name in ["test.one", "test.two"] {
            let mut numbers: Vec<u64> = heard
                .iter()
                .filter(|(listener, _)| *listener == name)
                .map(|(_, payload)| payload["payload"]["number"].as_u64().unwrap())
                .collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..90).collect::<Vec<_>>());
        }
        assert_eq!(heard[0].1["org_id"], json!(org_id));
        assert_eq!(heard[0].1["name"], "test.user.created");
    })
    .await;
}
