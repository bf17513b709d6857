//! A whole room on a fresh database, with faked people and an outbox that a test can open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quoin_db::testing::on_each_engine;
use quoin_db::{Db, DbError, Statement, Tx, params};
use quoin_kernel::clock::FixedClock;
use quoin_kernel::port::{BoxFuture, Origin, SessionIssuer};
use quoin_kernel::{EmailAddress, OrgId, Problem, Role, UserCaller, UserId};
use quoin_web::testing::TestApp;
use serde_json::Value;

use super::{MODULES, create, join, person};
use crate::{ActiveOrg, People, Ports, Records, SessionFacts, Tenancy, TenancyConfig};

static OUTBOX: Statement = Statement::new(
    "OUTBOX",
    "select secrets, params from quoin.mail_outbox where to_address = ?1 order by id",
);

/// People whose addresses the test proves.
#[derive(Default)]
pub(super) struct FakePeople(Mutex<HashMap<UserId, EmailAddress>>);

impl FakePeople {
    pub(super) fn prove(&self, user_id: UserId, email: &str) {
        let email = email.parse().unwrap();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(user_id, email);
    }
}

impl People for FakePeople {
    fn proved_address(&self, _: &mut Tx<'_>, user_id: UserId) -> Result<Option<EmailAddress>, DbError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&user_id).cloned())
    }

    fn is_confirmed(&self, _: &mut Tx<'_>, _: UserId) -> Result<bool, DbError> {
        Ok(true)
    }

    fn each_belongs_to_one(&self) -> bool {
        false
    }

    fn confined_to(&self, _: &mut Tx<'_>, _: UserId) -> Result<Option<OrgId>, DbError> {
        Ok(None)
    }

    fn find_by_address(
        &self,
        _: &mut Tx<'_>,
        _: OrgId,
        email: &EmailAddress,
    ) -> Result<Option<UserId>, DbError> {
        let people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(people.iter().find(|(_, known)| *known == email).map(|(user_id, _)| *user_id))
    }
}

/// Nobody switches here.
struct NoSessions;

impl SessionIssuer for NoSessions {
    fn switch<'a>(
        &'a self,
        _: &'a UserCaller,
        _: OrgId,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Value, Problem>> {
        Box::pin(async { Err(Problem::unavailable("identity_unavailable", "Nobody switches here", 5)) })
    }
}

/// Nothing stands in DNS here.
struct NoRecords;

impl Records for NoRecords {
    fn txt<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<String>, Problem>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// The room, and what a test needs to look behind it.
#[derive(Clone)]
pub(super) struct House {
    pub(super) tenancy: Tenancy,
    pub(super) people: Arc<FakePeople>,
    pub(super) clock: Arc<FixedClock>,
    pub(super) owner: UserId,
    pub(super) org_id: OrgId,
}

/// Tells one story on each engine: an organisation with an owner, who has proved `owner@example.com`.
pub(super) async fn story<F: Future<Output = ()>>(body: impl Fn(House) -> F) {
    on_each_engine(MODULES, |db| async {
        quoin_db::testing::force_reruns(&db, true);
        body(House::build(db).await).await;
    })
    .await;
}

impl House {
    async fn build(db: Db) -> Self {
        let test = TestApp::new(db.clone());
        let people = Arc::new(FakePeople::default());
        let config = TenancyConfig {
            invitations_per_address: 1000,
            invitations_per_person: 1000,
            ..TenancyConfig::default()
        };
        let tenancy = Tenancy::new(test.app.clone(), config);
        let asked = Arc::clone(&people) as Arc<dyn People>;
        tenancy.connect(Ports {
            session_issuer: Arc::new(NoSessions),
            people: asked,
            records: Arc::new(NoRecords),
        });
        let owner = person();
        people.prove(owner, "owner@example.com");
        let org_id = create(&db, owner).await;
        Self { tenancy, people, clock: test.clock, owner, org_id }
    }

    pub(super) fn db(&self) -> &Db {
        self.tenancy.db()
    }

    pub(super) fn origin(&self) -> Origin {
        Origin { now: self.tenancy.0.app.now(), ..quoin_web::testing::origin() }
    }

    pub(super) fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Makes a person with a proved address.
    pub(super) fn person(&self, email: &str) -> UserId {
        let user_id = person();
        self.people.prove(user_id, email);
        user_id
    }

    /// Finds what a session of this person is in the organisation; `None` where it may not act for it.
    pub(super) async fn active(&self, user_id: UserId, facts: SessionFacts) -> Option<ActiveOrg> {
        let org_id = self.org_id;
        let find = move |tx: &mut Tx<'_>| crate::active_org(tx, user_id, Some(org_id), &facts);
        let found = self.db().read::<_, DbError, _>("test.active", find).await.unwrap();
        found.filter(|org| org.org_id == org_id)
    }

    pub(super) async fn join(&self, role: Role) -> UserId {
        join(self.db(), self.org_id, role).await
    }

    /// Returns the tokens of the links that were mailed to an address, oldest first.
    pub(super) async fn tokens(&self, email: &str) -> Vec<String> {
        let email = email.to_owned();
        let sealed: Vec<Vec<u8>> = self
            .db()
            .read::<_, DbError, _>("test.outbox", move |tx| {
                tx.query(&OUTBOX, &params![&email], |row| row.get(0))
            })
            .await
            .unwrap();
        let master = self.tenancy.0.app.master_key();
        let link = |sealed: &Vec<u8>| {
            let opened = master.open("mail.outbox", sealed).unwrap();
            let secrets: Value = serde_json::from_slice(opened.expose()).unwrap();
            let link: url::Url = secrets["link"].as_str().unwrap().parse().unwrap();
            link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned()
        };
        sealed.iter().map(link).collect()
    }
}
