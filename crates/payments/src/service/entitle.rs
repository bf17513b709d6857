//! What follows from a plan: entitlements as rows, checked and counted where they are used.
//!
//! A row per subject and name holds limit and use together, so that one statement checks and counts. The rows are written
//! anew, in the same transaction, whenever a subscription or plan changes; use stays. So nothing is cached that could
//! be wrong: memory holds only which names any plan limits at all.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use quoin_db::{Db, DbError, Tx};
use quoin_kernel::billing::{Coverage, LimitReached, Subject};
use quoin_kernel::port::{Billing, BoxFuture};
use quoin_kernel::{Problem, Rng, Timestamp};
use quoin_web::App;
use quoin_web::entitlements::{Denied, Entitlements as Port, ORGANIZATIONS, SEATS, Wish};

use crate::config::PaymentsConfig;
use crate::jobs;
use crate::model::entitlement::{Entitlement, Entitlements, Mode};
use crate::model::plan::{PlanRules, SeatRule};
use crate::model::standing::in_force;
use crate::model::use_of::next_reset;
use crate::model::{PlanId, Subscription};
use crate::store::entitlements::{self, Granted};
use crate::store::{plans_global, prices_global, standings, subscriptions};

/// The topic of plans that have changed.
pub(crate) const PLANS: &str = "payments.plans";
/// The topic of subjects that stand differently.
pub(crate) const STANDINGS: &str = "payments.standings";

/// Knows what plans allow, in every process: it needs the database and nothing else of this room.
#[derive(Clone)]
pub struct Entitled(Arc<Inner>);

struct Inner {
    db: Db,
    rng: Arc<dyn Rng>,
    config: PaymentsConfig,
    upgrade_url: String,
    limited: RwLock<HashSet<String>>,
}

/// What the plans in force give together.
struct Given {
    entitlements: Entitlements,
    plan: Option<PlanId>,
    rules: PlanRules,
    standing: Coverage,
    version: Option<i64>,
    seats_paid: Option<i64>,
}

impl Entitled {
    /// Opens the room's part that every process has. Nothing is limited before [`Entitled::reload`].
    pub fn new(app: &App, config: &PaymentsConfig) -> Self {
        let site = app.config().site_url.to_string();
        Self(Arc::new(Inner {
            db: app.db().system().clone(),
            rng: app.shared_rng(),
            upgrade_url: config.upgrade_url.clone().unwrap_or(site),
            config: config.clone(),
            limited: RwLock::default(),
        }))
    }

    /// Reads which names any plan limits.
    pub async fn reload(&self) -> Result<(), DbError> {
        let plans = self.0.db.read("payments.plans.list", plans_global::list).await?;
        let names = plans.iter().flat_map(|plan| plan.entitlements.keys().cloned()).collect();
        *self.0.limited.write().unwrap_or_else(PoisonError::into_inner) = names;
        Ok(())
    }

    /// Keeps the list of limited names fresh for as long as it is polled.
    pub async fn watch(&self) {
        let changed = self.0.db.subscribe(PLANS);
        let on_server = self.0.db.engine() == quoin_db::Engine::Postgres;
        loop {
            if on_server {
                // Another node's changes are seen within a second.
                tokio::time::timeout(std::time::Duration::from_secs(1), changed.notified()).await.ok();
            } else {
                changed.notified().await;
            }
            if let Err(error) = self.reload().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the limits of plans cannot be read"
                );
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }

    /// Where larger plans are to be had.
    pub(crate) fn upgrade_url(&self) -> &str {
        &self.0.upgrade_url
    }

    /// Tells every process, after this transaction, that plans have changed.
    pub(crate) fn plans_changed(tx: &mut Tx<'_>) {
        tx.notify_on_commit(PLANS);
        tx.notify_on_commit(STANDINGS);
    }

    /// Writes anew what a subject has, in the transaction of whatever changed it.
    pub(crate) fn refresh(&self, tx: &mut Tx<'_>, subject: Subject, now: Timestamp) -> Result<(), DbError> {
        let bought = subscriptions::list(tx, subject)?;
        let given = self.given(tx, &bought)?;
        if !bought.is_empty() {
            standings::upsert(tx, subject, &given.standing, given.version, now)?;
            tx.notify_on_commit(STANDINGS);
        }
        let there = entitlements::list(tx, subject)?;
        let mut wished = closed(tx)?;
        wished.extend(given.entitlements.iter().map(|(name, one)| (name.clone(), Some(one.clone()))));
        for (name, entitlement) in &wished {
            let old = there.iter().find(|one| one.name == *name);
            let granted = granted(name, entitlement.as_ref(), &given, old, now);
            if old.is_none_or(|old| differs(old, &granted)) {
                entitlements::upsert(tx, subject, &granted, now)?;
            }
        }
        for gone in there.iter().filter(|one| !wished.contains_key(&one.name)) {
            entitlements::delete(tx, subject, &gone.name)?;
        }
        Ok(())
    }

    fn given(&self, tx: &mut Tx<'_>, bought: &[Subscription]) -> Result<Given, DbError> {
        let default = match self.0.config.default_plan() {
            Some(id) => plans_global::find(tx, &id)?.map(|plan| (plan.id, plan.version)),
            None => None,
        };
        let force = in_force(bought, default.as_ref());
        let mut given = Given {
            entitlements: Entitlements::new(),
            plan: force.plans.first().map(|(plan, _)| plan.clone()),
            rules: PlanRules::default(),
            standing: force.standing,
            version: force.plans.first().map(|(_, version)| *version),
            seats_paid: None,
        };
        for (at, bought) in force.plans.iter().enumerate() {
            let Some((entitlements, rules)) = plans_global::find_version(tx, bought)? else { continue };
            if at == 0 {
                given.rules = rules;
            }
            for (name, one) in entitlements {
                let better = match given.entitlements.remove(&name) {
                    Some(other) => one.better(other),
                    None => one,
                };
                given.entitlements.insert(name, better);
            }
        }
        given.seats_paid = seats_paid(tx, bought, &given)?;
        Ok(given)
    }

    /// Finds a subject's row, writing its rows first where there are none.
    pub(crate) fn row(
        &self,
        tx: &mut Tx<'_>,
        subject: Subject,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Granted>, DbError> {
        if let Some(row) = entitlements::find(tx, subject, name)? {
            return Ok(Some(row));
        }
        self.refresh(tx, subject, now)?;
        entitlements::find(tx, subject, name)
    }

    /// Lists what a subject has, with its use as it is now.
    pub(crate) fn list(
        &self,
        tx: &mut Tx<'_>,
        subject: Subject,
        now: Timestamp,
    ) -> Result<Vec<Granted>, DbError> {
        self.refresh(tx, subject, now)?;
        for name in [SEATS, ORGANIZATIONS] {
            if let Some(used) = counted(tx, subject, name)? {
                entitlements::set_used(tx, subject, name, used)?;
            }
        }
        entitlements::list(tx, subject)
    }

    /// What the one statement did not allow: no row yet, a period that is over, a grace, or the limit.
    fn take_slowly(&self, tx: &mut Tx<'_>, wish: &Wish<'_>) -> Result<(), Denied> {
        let Wish { subject, meter, amount, now } = *wish;
        let Some(row) = self.row(tx, subject, meter, now)? else { return Ok(()) };
        if let (Some(per), Some(resets_at)) = (row.per, row.resets_at)
            && resets_at <= now
        {
            entitlements::reset(tx, subject, meter, (next_reset(per, now), now))?;
        }
        if row.mode == "flag" || entitlements::take(tx, subject, meter, amount, now)? {
            return Ok(());
        }
        let row = self.row(tx, subject, meter, now)?.unwrap_or(row);
        if row.mode == Mode::Grace.as_str() && self.in_grace(&row, now) {
            return Ok(entitlements::force(tx, subject, meter, amount, now)?);
        }
        Err(self.reached(&row, amount).into())
    }

    /// Tells whether more than a limit is still allowed.
    fn in_grace(&self, row: &Granted, now: Timestamp) -> bool {
        row.over_since.is_none_or(|since| now < since + self.0.config.limit_grace())
    }

    fn reached(&self, row: &Granted, wanted: i64) -> LimitReached {
        LimitReached {
            meter: row.name.clone(),
            limit: row.allowed.unwrap_or_default(),
            used: row.used,
            wanted,
            upgrade_url: self.0.upgrade_url.clone(),
        }
    }

    /// Checks what is counted where it is, so that the count cannot drift from it. That is written into the subject's row,
    /// on which two who would both find room collide.
    fn take_counted(&self, tx: &mut Tx<'_>, wish: &Wish<'_>, used: i64) -> Result<(), Denied> {
        let Wish { subject, meter, amount, now } = *wish;
        let Some(row) = self.row(tx, subject, meter, now)? else { return Ok(()) };
        entitlements::set_used(tx, subject, meter, used)?;
        if meter == SEATS {
            self.follow_seats(tx, subject, now)?;
        }
        let over = row.allowed.is_some_and(|allowed| used.saturating_add(amount) > allowed);
        if over && row.mode == Mode::Hard.as_str() {
            return Err(self.reached(&Granted { used, ..row }, amount).into());
        }
        if over && row.mode == Mode::Grace.as_str() {
            if !self.in_grace(&row, now) {
                return Err(self.reached(&Granted { used, ..row }, amount).into());
            }
            // Nothing more is counted here; only since when the limit is passed.
            entitlements::force(tx, subject, meter, 0, now)?;
        }
        Ok(())
    }

    fn follow_seats(&self, tx: &mut Tx<'_>, subject: Subject, now: Timestamp) -> Result<(), DbError> {
        let bought = subscriptions::list(tx, subject)?;
        let given = self.given(tx, &bought)?;
        let per_seat = bought.iter().any(|one| one.is_live() && one.quantity > 0);
        if given.rules.seats == SeatRule::Follow && per_seat {
            jobs::schedule_seats(self.0.rng.as_ref(), tx, subject, now)?;
        }
        Ok(())
    }
}

impl Port for Entitled {
    fn is_limited(&self, meter: &str) -> bool {
        self.0.limited.read().unwrap_or_else(PoisonError::into_inner).contains(meter)
    }

    fn take(&self, tx: &mut Tx<'_>, wish: &Wish<'_>) -> Result<(), Denied> {
        if wish.amount <= 0 {
            return Ok(());
        }
        if let Some(used) = counted(tx, wish.subject, wish.meter)? {
            return self.take_counted(tx, wish, used);
        }
        if entitlements::take(tx, wish.subject, wish.meter, wish.amount, wish.now)? {
            return Ok(());
        }
        self.take_slowly(tx, wish)
    }

    fn check(&self, tx: &mut Tx<'_>, wish: &Wish<'_>, used: i64) -> Result<(), Denied> {
        if wish.amount > 0 {
            self.take_counted(tx, wish, used)?;
        }
        Ok(entitlements::set_used(tx, wish.subject, wish.meter, used.saturating_add(wish.amount).max(0))?)
    }

    fn give_back(&self, tx: &mut Tx<'_>, wish: &Wish<'_>) -> Result<(), DbError> {
        if wish.meter == SEATS {
            self.follow_seats(tx, wish.subject, wish.now)?;
        }
        if let Some(used) = counted(tx, wish.subject, wish.meter)? {
            return entitlements::set_used(tx, wish.subject, wish.meter, used);
        }
        entitlements::give_back(tx, wish.subject, wish.meter, wish.amount.max(0))
    }

    fn has(&self, tx: &mut Tx<'_>, subject: Subject, flag: &str) -> Result<bool, DbError> {
        let bought = subscriptions::list(tx, subject)?;
        Ok(self.given(tx, &bought)?.entitlements.get(flag) == Some(&Entitlement::Flag(true)))
    }
}

impl Billing for Entitled {
    fn coverage(&self, subject: Subject) -> BoxFuture<'_, Result<Coverage, Problem>> {
        Box::pin(async move {
            let (room, db) = (self.clone(), self.0.db.clone());
            let standing: Result<Coverage, DbError> = db
                .read("payments.standings.get", move |tx| match standings::find(tx, subject)? {
                    Some(standing) => Ok(standing),
                    None => Ok(room.given(tx, &[])?.standing),
                })
                .await;
            Ok(standing?)
        })
    }
}

/// Describes one row. `None` is a name that other plans give and this subject's does not: nothing is allowed.
fn granted(
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

/// Names what plans on sale give, closed: those whose own plan says nothing of it have none.
fn closed(tx: &mut Tx<'_>) -> Result<std::collections::BTreeMap<String, Option<Entitlement>>, DbError> {
    let plans = plans_global::list(tx)?;
    let sold = plans.iter().filter(|plan| plan.active);
    let named = sold.flat_map(|plan| plan.entitlements.iter());
    Ok(named
        .filter_map(|(name, one)| match one {
            Entitlement::Limit(_) => Some((name.clone(), None)),
            Entitlement::Flag(_) => Some((name.clone(), Some(Entitlement::Flag(false)))),
            Entitlement::Number(_) | Entitlement::Text(_) => None,
        })
        .collect())
}

/// Returns how many seats are paid for, where the price is per seat and the members may not pass it.
fn seats_paid(tx: &mut Tx<'_>, bought: &[Subscription], given: &Given) -> Result<Option<i64>, DbError> {
    let giving = bought.iter().find(|one| {
        one.access.gives_plan() && one.plan.as_ref().map(|(plan, _)| plan) == given.plan.as_ref()
    });
    let (Some(giving), Some(plan)) = (giving, &given.plan) else { return Ok(None) };
    let per_seat = prices_global::list(tx, plan)?
        .iter()
        .any(|price| Some(price.id) == giving.price_id && price.per_seat);
    Ok((per_seat && given.rules.seats == SeatRule::Refuse).then_some(giving.quantity))
}

/// Counts what is counted where it is: members of an organisation, organisations of a person.
fn counted(tx: &mut Tx<'_>, subject: Subject, meter: &str) -> Result<Option<i64>, DbError> {
    match (meter, subject) {
        (SEATS, Subject::Org(org_id)) => quoin_tenancy::count_members(tx, org_id).map(Some),
        (SEATS, Subject::User(_)) => Ok(Some(1)),
        (ORGANIZATIONS, Subject::User(user_id)) => quoin_tenancy::count_organizations(tx, user_id).map(Some),
        _ => Ok(None),
    }
}

fn differs(old: &Granted, new: &Granted) -> bool {
    old.plan_id != new.plan_id
        || old.value != new.value
        || old.allowed != new.allowed
        || old.mode != new.mode
        || old.per != new.per
        || old.resets_at != new.resets_at
}
