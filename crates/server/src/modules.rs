//! The table of contents: every room of the house.

use quoin_audit::AuditConfig;
use quoin_data::Data;
use quoin_db::{Migration, Statement};
use quoin_files::Files;
use quoin_identity::Identity;
use quoin_jobs::Subscriptions;
use quoin_kernel::job::{JobType, Schedule};
use quoin_mail::Deliverer;
use quoin_pages::{Frame, Pages};
use quoin_payments::Payments;
use quoin_stripe_twin::StripeTwin;
use quoin_tenancy::Tenancy;
use quoin_web::{App, ExposedView, Module, Routes};

use crate::{instance_global, welcome};

/// Every room's schema, ground floor first.
pub static MIGRATIONS: &[&[Migration]] = &[
    instance_global::MIGRATIONS,
    quoin_web::MIGRATIONS,
    quoin_audit::MIGRATIONS,
    quoin_jobs::MIGRATIONS,
    quoin_mail::MIGRATIONS,
    quoin_tenancy::MIGRATIONS,
    quoin_identity::MIGRATIONS,
    quoin_data::MIGRATIONS,
    quoin_files::MIGRATIONS,
    quoin_payments::MIGRATIONS,
];

/// Every room's statements.
pub fn statements() -> Vec<&'static [&'static Statement]> {
    let rooms = [
        quoin_web::STATEMENTS,
        quoin_audit::STATEMENTS,
        quoin_jobs::STATEMENTS,
        quoin_mail::STATEMENTS,
        quoin_tenancy::STATEMENTS,
        quoin_identity::STATEMENTS,
        quoin_data::STATEMENTS,
        quoin_files::STATEMENTS,
        quoin_payments::STATEMENTS,
    ];
    let ours = [instance_global::statements(), quoin_db::migrate::STATEMENTS];
    ours.into_iter().chain(rooms.into_iter().flatten().copied()).collect()
}

/// The rooms of this process.
pub struct Rooms {
    /// Organisations.
    pub tenancy: Tenancy,
    /// How long the audit trail is kept.
    pub audit: AuditConfig,
    /// Mails, which leave from the process of the pages and look like them.
    pub mail: Option<Deliverer>,
    /// People, where this process serves them.
    pub identity: Option<Identity>,
    /// How every page of the process looks.
    pub frame: Frame,
    /// The pages of the room of people, beside it.
    pub pages: Option<Pages>,
    /// The users' tables, where this process serves them.
    pub data: Option<Data>,
    /// Files, where this process serves them.
    pub files: Option<Files>,
    /// Plans and subscriptions, where this process serves them.
    pub payments: Option<Payments>,
    /// A Stripe that runs offline, where this process needs one.
    pub stripe_twin: Option<StripeTwin>,
}

/// What the rooms add up to.
#[derive(Default)]
pub struct Parts {
    /// Every operation.
    pub routes: Routes,
    /// Every kind of job.
    pub jobs: Vec<JobType>,
    /// Everything that happens by the calendar.
    pub schedules: Vec<Schedule>,
    /// What events become.
    pub subscriptions: Subscriptions,
}

/// The read-only views that rooms offer to the users' tables.
pub fn views() -> Vec<ExposedView> {
    std::iter::once(quoin_identity::profiles_view()).chain(quoin_payments::views()).collect()
}

/// Says who hears of what, the same in every process: the one that hands news on need not be the one that listens.
fn subscriptions() -> Subscriptions {
    Subscriptions::default()
        .on(quoin_tenancy::ORGANIZATION_DELETED, quoin_identity::FORGET_ORG)
        .on(quoin_tenancy::ORGANIZATION_DELETED, quoin_data::FORGET_ORG)
        .on(quoin_tenancy::ORGANIZATION_DELETED, quoin_payments::FORGET_ORG)
        .on("identity.user.deleted", quoin_payments::FORGET_PERSON)
        .on("identity.user.deleted", quoin_identity::EMPTY_LOG)
}

/// Adds up what the rooms of this process bring.
pub fn compose(app: &App, rooms: Rooms) -> Parts {
    let mut parts = Parts { subscriptions: subscriptions(), ..Parts::default() };
    parts.add(rooms.frame.module());
    if let Some(identity) = &rooms.identity {
        parts.add(welcome::module(app));
        parts.add(quoin_web::module(app));
        parts.add(quoin_audit::module(app, &rooms.audit));
        parts.add(quoin_jobs::module(app));
        parts.add(rooms.tenancy.module());
        parts.add(quoin_identity::module(identity));
    }
    if let Some(mail) = rooms.mail {
        parts.add(quoin_mail::module(mail));
    }
    if let Some(pages) = &rooms.pages {
        parts.add(pages.module());
    }
    if let Some(data) = &rooms.data {
        parts.add(quoin_data::module(data));
    }
    if let Some(files) = &rooms.files {
        parts.add(quoin_files::module(files));
    }
    if let Some(payments) = &rooms.payments {
        parts.add(payments.module());
    }
    parts.subscriptions = quoin_files::subscriptions(parts.subscriptions);
    if let Some(twin) = &rooms.stripe_twin {
        parts.add(twin.module());
    }
    parts
}

impl Parts {
    fn add(&mut self, module: Module) {
        let routes = std::mem::take(&mut self.routes);
        self.routes = routes.merge(module.routes);
        self.jobs.extend(module.jobs);
        self.schedules.extend(module.schedules);
    }
}
