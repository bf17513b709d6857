//! How often somebody may fail, and how many mails somebody may ask for: per account and per network address.
//!
//! Counted whether or not an account exists, so that a limit tells nothing.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, UserId};
use quoin_web::rate_limit::Counter;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::Realm;

const FAILURE_WINDOW: Duration = Duration::from_mins(15);
const MAIL_WINDOW: Duration = Duration::from_hours(1);

/// What is being guessed. Passwords and factors are counted apart: whoever knows the password clears the count of its
/// failures at will, and must not thereby clear what limits the guessing of the second factor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guessed<'a> {
    /// An account's password, or a code that was mailed to it instead.
    Password(&'a str),
    /// What somebody must show besides: the code of a factor, a recovery code, a code that proves them once more.
    Factor(UserId),
}

/// Refuses an account or a network address that has failed too often; counts nothing.
///
/// # Errors
/// 429 `over_request_rate_limit`.
pub(crate) async fn check_failures(
    identity: &Identity,
    guessed: Guessed<'_>,
    origin: &Origin,
) -> Result<(), Problem> {
    let [(account, subject), (network, ip)] = guessed.counters(identity, origin);
    let db = identity.db();
    let (by_account, by_network) =
        tokio::join!(account.check(db, &subject, origin.now), network.check(db, &ip, origin.now));
    by_account.and(by_network)
}

/// Counts one failure against the account and the network address, in a transaction of its own.
pub(crate) async fn count_failure(
    identity: &Identity,
    guessed: Guessed<'_>,
    origin: &Origin,
) -> Result<(), Problem> {
    let [(account, subject), (network, ip)] = guessed.counters(identity, origin);
    let db = identity.db();
    let (by_account, by_network) =
        tokio::join!(account.add(db, &subject, origin.now), network.add(db, &ip, origin.now));
    by_account.and(by_network).map(drop)
}

/// Counts one guess before it is judged by somebody else, and refuses beyond the limits: as many as the limit are judged,
/// however many are sent at once. One that was no failure is [given back](give_back).
///
/// # Errors
/// 429 `over_request_rate_limit`.
pub(crate) async fn spend_guess(
    identity: &Identity,
    guessed: Guessed<'_>,
    origin: &Origin,
) -> Result<(), Problem> {
    let [(account, subject), (network, ip)] = guessed.counters(identity, origin);
    let db = identity.db();
    network.spend(db, &ip, origin.now).await?;
    let spent = account.spend(db, &subject, origin.now).await;
    if spent.is_err() {
        // Nobody has judged it, so the network address has not failed.
        network.give_back(db, &ip, origin.now).await?;
    }
    spent
}

/// Takes back a guess that was [spent](spend_guess) and was no failure.
pub(crate) async fn give_back(
    identity: &Identity,
    guessed: Guessed<'_>,
    origin: &Origin,
) -> Result<(), Problem> {
    let [(account, subject), (network, ip)] = guessed.counters(identity, origin);
    let db = identity.db();
    let (by_account, by_network) =
        tokio::join!(account.give_back(db, &subject, origin.now), network.give_back(db, &ip, origin.now));
    by_account.and(by_network)
}

/// Counts one failure against the network address alone, where it is not known whose account it concerns.
pub(crate) async fn count_network_failure(identity: &Identity, origin: &Origin) -> Result<(), Problem> {
    let (network, ip) = failures_of_network(identity, origin);
    network.add(identity.db(), &ip, origin.now).await.map(drop)
}

/// Forgets the failures of what was guessed, after it was shown; the network address keeps its own.
pub(crate) async fn forget_failures(identity: &Identity, shown: Guessed<'_>) -> Result<(), Problem> {
    let (account, subject) = shown.counter(identity);
    account.clear(identity.db(), &subject).await
}

/// Counts one sign-up from a network address, before its password costs a hash, and refuses beyond the limit.
///
/// # Errors
/// 429 `over_request_rate_limit`.
pub(crate) async fn spend_sign_up(identity: &Identity, origin: &Origin) -> Result<(), Problem> {
    let limit = identity.config().sign_ups_per_ip;
    let network = Counter::new("identity.sign_up.network", limit, MAIL_WINDOW);
    network.spend(identity.db(), &network_of(origin.ip), origin.now).await
}

/// Counts one anonymous sign-in from a network address, and refuses beyond the limit.
///
/// # Errors
/// 429 `over_request_rate_limit`.
pub(crate) async fn spend_anonymous(identity: &Identity, origin: &Origin) -> Result<(), Problem> {
    let limit = identity.config().anonymous_per_ip;
    let network = Counter::new("identity.anonymous.network", limit, MAIL_WINDOW);
    network.spend(identity.db(), &network_of(origin.ip), origin.now).await
}

/// Counts one mail to an address of a realm, asked for from a network address, and refuses beyond the limits.
///
/// # Errors
/// 429 `over_email_send_rate_limit`.
pub(crate) async fn spend_mail(
    identity: &Identity,
    (realm, email): (Realm, &EmailAddress),
    origin: &Origin,
) -> Result<(), Problem> {
    let config = identity.config();
    let address = Counter::new("identity.mail.address", config.mails_per_address, MAIL_WINDOW);
    let network = Counter::new("identity.mail.network", config.mails_per_ip, MAIL_WINDOW);
    let (db, ip, to) = (identity.db(), network_of(origin.ip), realm.account(email));
    let (by_address, by_network) =
        tokio::join!(address.spend(db, &to, origin.now), network.spend(db, &ip, origin.now));
    by_address.and(by_network).map_err(|problem| match problem.retry_after() {
        Some(retry_after_s) if problem.status() == 429 => {
            IdentityError::OverEmailSendRateLimit { retry_after_s }.into()
        }
        _ => problem,
    })
}

impl Guessed<'_> {
    /// Returns the account's counter and the network address's, each with whom it counts.
    fn counters(self, identity: &Identity, origin: &Origin) -> [(Counter, String); 2] {
        [self.counter(identity), failures_of_network(identity, origin)]
    }

    fn counter(self, identity: &Identity) -> (Counter, String) {
        let limit = identity.config().failures_per_account;
        let (name, subject) = match self {
            Self::Password(account) => ("identity.failure.account", account.to_owned()),
            Self::Factor(user_id) => ("identity.factor.account", user_id.to_string()),
        };
        (Counter::new(name, limit, FAILURE_WINDOW), subject)
    }
}

fn failures_of_network(identity: &Identity, origin: &Origin) -> (Counter, String) {
    let limit = identity.config().failures_per_ip;
    (Counter::new("identity.failure.network", limit, FAILURE_WINDOW), network_of(origin.ip))
}

/// An IPv6 network of 64 bits counts as one address, because one line has as many.
fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        IpAddr::V4(ip) => ip.to_string(),
    }
}
