use std::num::NonZeroU32;
use std::time::Duration;

use quoin_db::testing::{TestDatabase, migrated};

use super::*;
use crate::testing::START;

const FAILED: Counter = Counter::new("test.failed", 3, Duration::from_mins(1));

async fn databases() -> Vec<TestDatabase> {
    migrated(&[crate::purge::MIGRATIONS]).await
}

#[tokio::test]
async fn a_count_survives_reopening_and_ends_with_its_window() {
    for db in databases().await {
        for _ in 0..3 {
            FAILED.check(&db, "ann", START).await.unwrap();
            FAILED.add(&db, "ann", START).await.unwrap();
        }
        let again = db.open_again();
        let refused = FAILED.check(&again, "ann", START + Duration::from_secs(10)).await.unwrap_err();
        assert_eq!(
            (refused.status(), refused.code(), refused.retry_after()),
            (429, "over_request_rate_limit", Some(51))
        );
        FAILED.check(&again, "bob", START).await.unwrap();
        FAILED.check(&again, "ann", START + Duration::from_mins(1)).await.unwrap();
        assert_eq!(FAILED.add(&again, "ann", START + Duration::from_secs(61)).await.unwrap(), 1);
        FAILED.clear(&again, "ann").await.unwrap();
        assert_eq!(FAILED.add(&again, "ann", START + Duration::from_secs(62)).await.unwrap(), 1);
        again.close();
    }
}

#[tokio::test]
async fn of_fifty_spenders_at_once_as_many_get_through_as_the_limit_says() {
    for db in databases().await {
        let spending = (0..50).map(|_| FAILED.spend(&db, "ann", START));
        let results = futures_util::future::join_all(spending).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    }
}

#[tokio::test]
async fn what_was_given_back_may_be_spent_again_and_nothing_else() {
    for db in databases().await {
        FAILED.give_back(&db, "ann", START).await.unwrap();
        for _ in 0..5 {
            FAILED.spend(&db, "ann", START).await.unwrap();
            FAILED.give_back(&db, "ann", START).await.unwrap();
        }
        FAILED.give_back(&db, "ann", START).await.unwrap();
        for _ in 0..3 {
            FAILED.spend(&db, "ann", START).await.unwrap();
        }
        assert_eq!(FAILED.spend(&db, "ann", START).await.unwrap_err().status(), 429);
        // The count of a window that is over is nobody's.
        let later = START + Duration::from_secs(61);
        FAILED.give_back(&db, "ann", later).await.unwrap();
        assert_eq!(FAILED.add(&db, "ann", later).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn windows_that_are_over_are_purged() {
    for db in databases().await {
        FAILED.add(&db, "ann", START).await.unwrap();
        FAILED.add(&db, "bob", START + Duration::from_mins(1)).await.unwrap();
        let purged = db
            .write::<_, quoin_db::DbError, _>("test.purge", |tx| purge(tx, START + Duration::from_secs(90)))
            .await
            .unwrap();
        assert_eq!(purged, 1);
    }
}

#[test]
fn an_ipv6_network_counts_as_one_address() {
    let limit = IpLimit::new(NonZeroU32::new(2).unwrap(), Duration::from_mins(1));
    assert!(limit.check("2001:db8:1:2::1".parse().unwrap()).is_ok());
    assert!(limit.check("2001:db8:1:2:ffff::2".parse().unwrap()).is_ok());
    assert!(limit.check("2001:db8:1:2::3".parse().unwrap()).is_err());
    assert!(limit.check("2001:db8:1:3::1".parse().unwrap()).is_ok());
    assert!(limit.check("::ffff:1.2.3.4".parse().unwrap()).is_ok());
    assert!(limit.check("1.2.3.4".parse().unwrap()).is_ok());
    assert!(limit.check("1.2.3.4".parse().unwrap()).is_err());
}
