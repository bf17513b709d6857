//! What stands in a subject's rows: which limit, which scalar, what is counted elsewhere.

use std::collections::HashSet;

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use quoin_web::entitlements::{ORGANIZATIONS, SEATS};

use super::Given;
use crate::model::entitlement::{Entitlement, Mode};
use crate::model::plan::SeatRule;
use crate::model::use_of::next_reset;
use crate::model::{Command, ObjectKind, ObjectRef, Plan, PlanId, Subscription};
use crate::store::entitlements::Granted;
use crate::store::{
    intents_global, objects_global, plans_global, prices_global, subscriptions, subscriptions_global,
};

/// Names of what nothing is left after a change to a plan that does not name it: what other plans give, less what the
/// subject's other subscriptions give. Whoever stays on a plan loses nothing by that.
pub(crate) fn unnamed(
    tx: &mut Tx<'_>,
    one: &Subscription,
    (plan, version): &(PlanId, i64),
) -> Result<HashSet<String>, DbError> {
    if one.plan.as_ref().is_some_and(|(present, _)| present == plan) {
        return Ok(HashSet::new());
    }
    let mut beside = subscriptions::list(tx, one.subject)?;
    beside.retain(|other| other.id != one.id && other.access.gives_plan());
    let mut named = HashSet::new();
    for bought in beside.into_iter().filter_map(|other| other.plan).chain([(plan.clone(), *version)]) {
        let given = plans_global::find_version(tx, &bought)?;
        named.extend(given.into_iter().flat_map(|(given, _)| given.into_keys()));
    }
    let closed = closed(tx)?.into_iter().filter(|(name, scalar)| scalar.is_none() && !named.contains(name));
    Ok(closed.map(|(name, _)| name).collect())
}

/// Describes one row. `None` is a name that other plans give and this subject's does not: nothing is allowed.
pub(super) fn granted(
    name: &str,
    entitlement: Option<&Entitlement>,
    given: &Given,
    old: Option<&Granted>,
    now: Timestamp,
) -> Granted {
    let limit = entitlement.and_then(Entitlement::limit);
    let (allowed, mode) = match (entitlement, limit) {
        (Some(_), None) => (None, "flag"),
        (Some(_), Some(limit)) if limit.limit.is_none() => (None, "open"),
        (_, Some(limit)) => (limit.limit, limit.mode.as_str()),
        (None, None) => (Some(0), Mode::Hard.as_str()),
    };
    let paid = given.seats_paid.filter(|_| name == SEATS);
    let (allowed, mode) = match (paid, allowed) {
        (Some(paid), Some(allowed)) => (Some(paid.min(allowed)), mode),
        (Some(paid), None) => (Some(paid), Mode::Hard.as_str()),
        (None, allowed) => (allowed, mode),
    };
    let per = limit.and_then(|limit| limit.per);
    let kept = old.filter(|old| old.per == per).and_then(|old| old.resets_at);
    Granted {
        name: name.to_owned(),
        plan_id: given.plan.as_ref().filter(|_| entitlement.is_some()).map(ToString::to_string),
        value: entitlement.map(Entitlement::value).filter(|value| !value.is_null()),
        allowed,
        mode: mode.to_owned(),
        per,
        used: old.map_or(0, |old| old.used),
        resets_at: per.map(|per| kept.unwrap_or_else(|| next_reset(per, now))),
        over_since: old.and_then(|old| old.over_since),
    }
}

/// Names what any plan limits, and what any former version of one limits that somebody holds.
pub(super) fn limited(tx: &mut Tx<'_>) -> Result<HashSet<String>, DbError> {
    let plans = plans_global::list(tx)?;
    let mut names: HashSet<String> =
        plans.into_iter().flat_map(|plan| plan.entitlements.into_keys()).collect();
    for (version, given) in plans_global::list_former(tx)? {
        // Who holds it is asked only where that makes a difference.
        let adds = given.keys().any(|name| !names.contains(name));
        if adds && subscriptions_global::is_version_held(tx, &version)? {
            names.extend(given.into_keys());
        }
    }
    Ok(names)
}

/// Names what plans give that are on sale or still held by anybody, closed: those whose own plan says nothing of it have
/// none.
pub(super) fn closed(
    tx: &mut Tx<'_>,
) -> Result<std::collections::BTreeMap<String, Option<Entitlement>>, DbError> {
    let plans = plans_global::list(tx)?;
    let (sold, archived): (Vec<&Plan>, Vec<&Plan>) = plans.iter().partition(|plan| plan.active);
    let mut closing = sold.clone();
    for plan in archived {
        // Who holds it is asked only where that makes a difference.
        let adds = plan
            .entitlements
            .keys()
            .any(|name| !sold.iter().any(|sold| sold.entitlements.contains_key(name)));
        if adds && subscriptions_global::is_held(tx, &plan.id)? {
            closing.push(plan);
        }
    }
    let named = closing.iter().flat_map(|plan| plan.entitlements.iter());
    Ok(named
        .filter_map(|(name, one)| match one {
            Entitlement::Limit(_) => Some((name.clone(), None)),
            Entitlement::Flag(_) => Some((name.clone(), Some(Entitlement::Flag(false)))),
            Entitlement::Number(_) | Entitlement::Text(_) => None,
        })
        .collect())
}

/// Returns how many seats are paid for, where the price is per seat and the members may not pass it.
pub(super) fn seats_paid(
    tx: &mut Tx<'_>,
    bought: &[Subscription],
    given: &Given,
) -> Result<Option<i64>, DbError> {
    let giving = bought.iter().find(|one| {
        one.access.gives_plan() && one.given().as_ref().map(|held| &held.plan) == given.plan.as_ref()
    });
    let (Some(one), Some(plan)) = (giving, &given.plan) else { return Ok(None) };
    let Some(held) = one.given() else { return Ok(None) };
    let per_seat =
        prices_global::list(tx, plan)?.iter().any(|price| Some(price.id) == held.price_id && price.per_seat);
    if !per_seat || given.rules.seats != SeatRule::Refuse {
        return Ok(None);
    }
    let fewer = seats_wished(tx, one)?.filter(|wished| *wished < held.quantity);
    Ok(Some(fewer.unwrap_or(held.quantity)))
}

/// Returns how many seats a change asks for that is under way, or done and not seen here yet: whoever joins meanwhile finds no
/// seat that is about to go.
fn seats_wished(tx: &mut Tx<'_>, one: &Subscription) -> Result<Option<i64>, DbError> {
    let asked = intents_global::list_last(tx, &format!("subscription:{}", one.remote_id))?;
    let change = asked.into_iter().find_map(|(command, done_at)| match command {
        Command::ChangeSubscription(wish) => Some((wish.quantity, done_at)),
        _ => None,
    });
    let Some((wished, done_at)) = change else { return Ok(None) };
    let Some(done_at) = done_at else { return Ok(Some(wished)) };
    let object = ObjectRef::new(ObjectKind::Subscription, &one.remote_id);
    let unseen = done_at >= one.updated_at && objects_global::is_behind(tx, &one.provider, &object)?;
    Ok(unseen.then_some(wished))
}

/// Counts what is counted where it is: members of an organisation, organisations of a person.
pub(super) fn counted(tx: &mut Tx<'_>, subject: Subject, meter: &str) -> Result<Option<i64>, DbError> {
    match (meter, subject) {
        (SEATS, Subject::Org(org_id)) => quoin_tenancy::count_members(tx, org_id).map(Some),
        (SEATS, Subject::User(_)) => Ok(Some(1)),
        (ORGANIZATIONS, Subject::User(user_id)) => quoin_tenancy::count_organizations(tx, user_id).map(Some),
        _ => Ok(None),
    }
}

pub(super) fn differs(old: &Granted, new: &Granted) -> bool {
    old.plan_id != new.plan_id
        || old.value != new.value
        || old.allowed != new.allowed
        || old.mode != new.mode
        || old.per != new.per
        || old.resets_at != new.resets_at
}
