//! What follows from a plan: entitlements as rows, checked and counted where they are used.
//!
//! A row per subject and name holds limit and use together, so that one statement checks and counts. The rows are written
//! anew, in the same transaction, whenever a subscription or plan changes; use stays. Memory holds which names any plan
//! limits at all, and blocks of calls of the API that are counted as used already, so that neither lets more through.

mod calls;
mod rows;
mod told;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use quoin_db::{Db, DbError, Topic, Tx};
use quoin_kernel::billing::{Coverage, LimitReached, Subject};
use quoin_kernel::port::{Billing, BoxFuture};
use quoin_kernel::{Clock, Problem, Rng, Timestamp};
use quoin_web::App;
use quoin_web::entitlements::{API_CALLS, Denied, Entitlements as Port, ORGANIZATIONS, SEATS, Wish};

use self::calls::Blocks;
pub(crate) use self::rows::unnamed;
use self::rows::{closed, counted, differs, granted, limited, seats_paid};
use self::told::Told;

use crate::config::PaymentsConfig;
use crate::jobs;
use crate::model::entitlement::{Entitlement, Entitlements, Mode};
use crate::model::plan::{PlanRules, SeatRule};
use crate::model::standing::in_force;
use crate::model::use_of::next_reset;
use crate::model::{PlanId, Subscription};
use crate::store::entitlements::{self, Granted};
use crate::store::{customers, plans_global, standings, subscriptions};

/// The topic of plans that have changed.
pub(crate) const PLANS: &str = "payments.plans";
/// The topic of subjects that stand differently.
pub(crate) const STANDINGS: &str = "payments.standings";

/// The topic of limits that are not what they were.
const LIMITS: &str = "payments.limits";
/// How often what lies unused is given back, where nothing else wakes the watch.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Knows what plans allow, in every process: it needs the database and nothing else of this room.
#[derive(Clone)]
pub struct Entitled(Arc<Inner>);

struct Inner {
    db: Db,
    rng: Arc<dyn Rng>,
    clock: Arc<dyn Clock>,
    config: PaymentsConfig,
    upgrade_url: String,
    limited: RwLock<HashSet<String>>,
    counts_calls: AtomicBool,
    limits: Arc<Topic>,
    blocks: Blocks,
    told: Told,
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
        let db = app.db().system().clone();
        Self(Arc::new(Inner {
            limits: db.subscribe(LIMITS),
            db,
            rng: app.shared_rng(),
            clock: app.shared_clock(),
            upgrade_url: config.upgrade_url.clone().unwrap_or(site),
            config: config.clone(),
            limited: RwLock::default(),
            counts_calls: AtomicBool::default(),
            blocks: Blocks::default(),
            told: Told::default(),
        }))
    }

    /// Reads which names any plan limits, also by a former version that somebody holds.
    pub async fn reload(&self) -> Result<(), DbError> {
        let names: HashSet<String> = self.0.db.read("payments.plans.limited", limited).await?;
        self.0.counts_calls.store(names.contains(API_CALLS), Ordering::Release);
        *self.0.limited.write().unwrap_or_else(PoisonError::into_inner) = names;
        Ok(())
    }

    /// Keeps the list of limited names fresh, tells of limits that are reached, and gives back calls that lie unused, for as
    /// long as it is polled.
    pub async fn watch(&self) {
        let changed = self.0.db.subscribe(PLANS);
        // Another node's changes are seen within a second.
        let on_server = self.0.db.engine() == quoin_db::Engine::Postgres;
        let rest = if on_server { Duration::from_secs(1) } else { TIDY_EVERY };
        loop {
            tokio::select! {
                () = changed.notified() => {},
                () = self.0.told.waits() => {},
                () = tokio::time::sleep(rest) => {},
            }
            if let Err(error) = self.look_after().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the limits of plans cannot be looked after"
                );
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn look_after(&self) -> Result<(), DbError> {
        self.reload().await?;
        self.tell_of_limits().await?;
        self.give_back_idle_calls(self.0.clock.now()).await
    }

    fn db(&self) -> &Db {
        &self.0.db
    }

    fn blocks(&self) -> &Blocks {
        &self.0.blocks
    }

    fn counts_calls(&self) -> bool {
        self.0.counts_calls.load(Ordering::Acquire)
    }

    fn limits_version(&self) -> u64 {
        self.0.limits.version()
    }

    /// Where larger plans are to be had.
    pub(crate) fn upgrade_url(&self) -> &str {
        &self.0.upgrade_url
    }

    /// Tells every process, after this transaction, that plans have changed.
    pub(crate) fn plans_changed(tx: &mut Tx<'_>) {
        tx.notify_on_commit(PLANS);
        tx.notify_on_commit(STANDINGS);
        tx.notify_on_commit(LIMITS);
    }

    /// Tells every process, after this transaction, that somebody holds another plan, or another version of one.
    pub(crate) fn holders_changed(tx: &mut Tx<'_>) {
        tx.notify_on_commit(PLANS);
    }

    /// Writes anew what a subject has, in the transaction of whatever changed it.
    pub(crate) fn refresh(&self, tx: &mut Tx<'_>, subject: Subject, now: Timestamp) -> Result<(), DbError> {
        if customers::is_erased(tx, subject)? {
            return Ok(());
        }
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
                // Where there was no row, a node may believe that calls are not counted at all.
                if old.is_some() || name == API_CALLS {
                    tx.notify_on_commit(LIMITS);
                }
            }
        }
        for gone in there.iter().filter(|one| !wished.contains_key(&one.name)) {
            if gone.used == 0 {
                entitlements::delete(tx, subject, &gone.name)?;
            } else if gone.mode != "open" {
                // What is used must be known when a plan names it again: a row that goes would begin anew.
                let open = Granted { plan_id: None, allowed: None, mode: "open".into(), ..gone.clone() };
                entitlements::upsert(tx, subject, &open, now)?;
            }
            tx.notify_on_commit(LIMITS);
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
        let mut rows = entitlements::list(tx, subject)?;
        for row in rows.iter_mut().filter(|row| row.name == API_CALLS) {
            // What this node holds in reserve is counted, but not used.
            row.used = (row.used - self.blocks().held(subject)).max(0);
        }
        Ok(rows)
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
        Err(self.reached(subject, &row, amount).into())
    }

    /// Tells whether more than a limit is still allowed.
    fn in_grace(&self, row: &Granted, now: Timestamp) -> bool {
        row.over_since.is_none_or(|since| now < since + self.0.config.limit_grace())
    }

    fn reached(&self, subject: Subject, row: &Granted, wanted: i64) -> LimitReached {
        self.0.told.note(subject, &row.name);
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
            return Err(self.reached(subject, &Granted { used, ..row }, amount).into());
        }
        if over && row.mode == Mode::Grace.as_str() {
            if !self.in_grace(&row, now) {
                return Err(self.reached(subject, &Granted { used, ..row }, amount).into());
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
