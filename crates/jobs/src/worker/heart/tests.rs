use std::time::Duration;

use quoin_kernel::Id;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;

fn worker(number: u128) -> WorkerId {
    Id::from_uuid(Uuid::from_u128(number))
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Lets the first worker look at the second once a second, whose beat is what `beat` says.
fn silent_after(looks: &[(u64, i64)]) -> Vec<(WorkerId, i64)> {
    let start = Instant::now();
    let mut heart = Heart::new(worker(1));
    let mut silent = Vec::new();
    for (second, beat) in looks {
        let at = start + seconds(*second);
        silent = heart.due(at).expect("a second has passed").silent;
        heart.learn(Pulse { was_known: true, others: vec![(worker(1), 7), (worker(2), *beat)], at });
    }
    silent
}

#[test]
fn a_worker_whose_beat_stands_still_is_silent_after_ten_seconds() {
    let standing_still: Vec<(u64, i64)> = (0..=9).map(|second| (second, 3)).collect();
    assert_eq!(silent_after(&standing_still), []);
    let standing_still: Vec<(u64, i64)> = (0..=10).map(|second| (second, 3)).collect();
    assert_eq!(silent_after(&standing_still), [(worker(2), 3)]);
}

#[test]
fn a_worker_whose_beat_moves_is_not() {
    let moving: Vec<(u64, i64)> =
        (0..60).map(|second| (second, i64::try_from(second / 9).unwrap())).collect();
    assert_eq!(silent_after(&moving), []);
}

#[test]
fn a_worker_that_was_asleep_itself_gives_nobody_up() {
    assert_eq!(silent_after(&[(0, 3), (600, 3), (601, 3)]), []);
}

#[test]
fn signs_are_given_once_a_second_and_tries_end_long_before_the_others_take_over() {
    let start = Instant::now();
    let mut heart = Heart::new(worker(1));
    assert_eq!(heart.yields_at(), None, "nothing runs before the first sign");
    heart.learn(Pulse { was_known: false, others: Vec::new(), at: start });
    assert!(heart.due(start + Duration::from_millis(900)).is_none());
    assert!(heart.due(start + seconds(1)).is_some());
    assert_eq!(heart.yields_at(), Some(start + seconds(6)));
}
