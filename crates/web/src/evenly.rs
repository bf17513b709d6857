//! Answers that leave at even moments, so that the time they took does not tell what was found.

use std::time::Duration;

use quoin_kernel::hash::sha256;
use tokio::time::Instant;

/// From one moment at which an answer may leave to the next; much more than the work differs by, on a busy machine too.
const STEP: Duration = Duration::from_millis(100);

/// Does `work` about an address and hands its result out at the next of the moments at which answers about this
/// address leave, counted from the beginning of the work.
///
/// For doors that must answer alike for known and unknown addresses although the work differs a little: one more row, a
/// mail that is queued or not. The moments are other ones for each address, so that a difference which happens to lie
/// across one of them shows for few addresses, and nobody can tell for which.
pub async fn evenly<T>(address: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let result = work.await;
    rest(address, started).await;
    result
}

/// Does the same where `work` fails; a success tells nothing that its caller did not know.
///
/// # Errors
/// Those of `work`.
pub async fn refused_evenly<T, E>(address: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let started = Instant::now();
    let result = work.await;
    if result.is_err() {
        rest(address, started).await;
    }
    result
}

async fn rest(address: &str, started: Instant) {
    tokio::time::sleep_until(started + next_moment(address, started.elapsed())).await;
}

/// Returns the first moment, from the beginning of the work, that is not before `elapsed`.
fn next_moment(address: &str, elapsed: Duration) -> Duration {
    let first = phase(address);
    let late = elapsed.saturating_sub(first).as_micros().div_ceil(STEP.as_micros());
    first + STEP.saturating_mul(u32::try_from(late).unwrap_or(u32::MAX))
}

/// Draws the first moment from the address itself, so that asking again shows nothing new.
fn phase(address: &str) -> Duration {
    let [high, low, ..] = sha256(address.as_bytes());
    STEP * u32::from(u16::from_be_bytes([high, low])) / (u32::from(u16::MAX) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "ann@example.com";

    #[test]
    fn work_of_different_length_is_handed_out_at_the_same_moments() {
        let first = next_moment(ANN, Duration::ZERO);
        assert!(first < STEP);
        assert_eq!(next_moment(ANN, first), first);
        let after = |ms| first + Duration::from_millis(ms);
        assert_eq!(next_moment(ANN, after(1)), first + STEP);
        assert_eq!(next_moment(ANN, after(99)), first + STEP);
        assert_eq!(next_moment(ANN, after(7 * 100 + 1)), first + 8 * STEP);
    }

    #[test]
    fn addresses_have_moments_of_their_own() {
        assert_ne!(phase(ANN), phase("bob@example.com"));
    }

    #[tokio::test]
    async fn a_success_need_not_wait_where_only_refusals_must_be_alike() {
        let started = Instant::now();
        evenly(ANN, async {}).await;
        assert!(started.elapsed() >= phase(ANN));
        let started = Instant::now();
        refused_evenly(ANN, async { Err::<(), _>(()) }).await.unwrap_err();
        assert!(started.elapsed() >= phase(ANN));
        assert!(refused_evenly(ANN, async { Ok::<_, ()>(7) }).await.is_ok());
    }
}
