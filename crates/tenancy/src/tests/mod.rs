//! Organisations on both engines.

mod house;
mod invitations;
mod lifecycle;
mod revocations;
mod roles;

use quoin_audit::{Actor, Entry};
use quoin_db::testing::{force_reruns, on_each_engine};
use quoin_db::{Db, DbError, Migration};
use quoin_kernel::billing::Subject;
use quoin_kernel::page::Page;
use quoin_kernel::rng::SystemRng;
use quoin_kernel::{Aal, OrgId, Role, Standing, Timestamp, UserId};

use crate::model::{NewMember, NewOrganization, NewPersonal, OrgName};
use crate::revocations::{Cursor, Revoked, since};
use crate::service::{self, Change, Limits, RemovedPerson};
use crate::{ActiveOrg, SessionFacts, TenancyError};

const MODULES: &[&[Migration]] = &[
    quoin_web::MIGRATIONS,
    quoin_audit::MIGRATIONS,
    quoin_jobs::MIGRATIONS,
    quoin_mail::MIGRATIONS,
    crate::MIGRATIONS,
];
const ALL: Page = Page { limit: 1000, after: None };

fn now() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

fn rng() -> SystemRng {
    SystemRng::default()
}

fn person() -> UserId {
    UserId::new(now(), &rng())
}

fn entry(actor: UserId) -> Entry {
    Entry::new(&rng(), now(), Actor::User(actor), "test")
}

async fn create(db: &Db, owner: UserId) -> OrgId {
    let org_id = OrgId::new(now(), &rng());
    let new = NewOrganization {
        org_id,
        name: OrgName::new("Acme").unwrap(),
        owner,
        billed: Subject::User(owner),
        now: now(),
    };
    let create = move |tx: &mut quoin_db::Tx<'_>| {
        service::create_owned(tx, &Limits::default(), &new, &entry(owner).in_org(org_id).on(org_id))
    };
    db.write("test.create", create).await.unwrap().id
}

async fn create_personal(db: &Db, user_id: UserId) -> OrgId {
    let org_id = OrgId::new(now(), &rng());
    let new = NewPersonal { org_id, user_id, name: OrgName::personal("alice"), now: now() };
    db.write::<_, DbError, _>("test.personal", move |tx| crate::create_personal(tx, &new))
        .await
        .unwrap()
        .org_id
}

async fn join(db: &Db, org_id: OrgId, role: Role) -> UserId {
    let user_id = person();
    add(db, org_id, user_id, role).await;
    user_id
}

async fn add(db: &Db, org_id: OrgId, user_id: UserId, role: Role) -> ActiveOrg {
    let member = NewMember { org_id, user_id, standing: Standing::of(role), now: now() };
    db.write::<_, DbError, _>("test.join", move |tx| crate::add_member(tx, &member)).await.unwrap()
}

async fn active(db: &Db, user_id: UserId, preferred: Option<OrgId>) -> Option<ActiveOrg> {
    let facts = SessionFacts { aal: Aal::Aal1, authenticated_at: now(), sso_org_id: None, now: now() };
    db.read::<_, DbError, _>("test.active", move |tx| crate::active_org(tx, user_id, preferred, &facts))
        .await
        .unwrap()
}

async fn revoked(db: &Db) -> Vec<Revoked> {
    let (list, _) =
        db.read::<_, DbError, _>("test.since", |tx| since(tx, Cursor::default(), now())).await.unwrap();
    list.into_iter().map(|(revoked, _)| revoked).collect()
}

async fn remove(db: &Db, org_id: OrgId, actor: UserId, user_id: UserId) -> Result<(), TenancyError> {
    let change = Change { org_id, actor, user_id, now: now() };
    service::remove_member(db, &rng(), Limits::default(), change, entry(actor)).await
}

async fn change(
    db: &Db,
    org_id: OrgId,
    (actor, user_id): (UserId, UserId),
    role: Role,
) -> Result<(), TenancyError> {
    let change = Change { org_id, actor, user_id, now: now() };
    service::change_role(db, &rng(), change, role.as_str().to_owned(), entry(actor)).await
}

async fn owners(db: &Db, org_id: OrgId) -> usize {
    let members = service::list_members(db, org_id, ALL).await.unwrap().data;
    members.iter().filter(|member| member.role == "owner").count()
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_each_engine() {
    on_each_engine(MODULES, |db| async move {
        let refused = quoin_db::testing::refused_statements(&db, crate::STATEMENTS).await.unwrap();
        assert!(refused.is_empty(), "{refused:#?}");
    })
    .await;
}

#[tokio::test]
async fn a_person_acts_for_the_organisation_they_used_last_else_for_their_own() {
    on_each_engine(MODULES, |db| async move {
        let alice = person();
        assert_eq!(active(&db, alice, None).await, None);
        let other = create(&db, alice).await;
        let personal = create_personal(&db, alice).await;
        assert_eq!(active(&db, alice, None).await.unwrap().org_id, personal);
        assert_eq!(active(&db, alice, Some(other)).await.unwrap().org_id, other);
        let use_it = move |tx: &mut quoin_db::Tx<'_>| crate::set_last_used(tx, alice, other, now());
        assert!(db.write::<_, DbError, _>("test.use", use_it).await.unwrap());
        assert_eq!(active(&db, alice, None).await.unwrap().org_id, other);
        let strangers = create(&db, person()).await;
        assert_eq!(active(&db, alice, Some(strangers)).await.unwrap().org_id, other);
        let use_strangers =
            move |tx: &mut quoin_db::Tx<'_>| crate::set_last_used(tx, alice, strangers, now());
        assert!(!db.write::<_, DbError, _>("test.use", use_strangers).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn members_see_their_organisations_and_nobody_elses() {
    on_each_engine(MODULES, |db| async move {
        let (alice, bob) = (person(), person());
        let (personal, acme) = (create_personal(&db, alice).await, create(&db, alice).await);
        let bobs = create(&db, bob).await;
        let seen = service::list(&db, alice, false, ALL).await.unwrap().data;
        let mut ids: Vec<OrgId> = seen.iter().map(|org| org.id).collect();
        ids.sort_unstable();
        let mut expected = vec![personal, acme];
        expected.sort_unstable();
        assert_eq!(ids, expected);
        assert!(seen.iter().all(|org| org.personal == (org.id == personal) && org.role == "owner"));
        assert!(matches!(service::find(&db, bobs, alice).await, Err(TenancyError::NoSuchOrganization)));
        let first = service::list(&db, alice, false, Page { limit: 1, after: None }).await.unwrap();
        let after = Some(first.data[0].id.uuid());
        let second = service::list(&db, alice, false, Page { limit: 1, after }).await.unwrap();
        assert_ne!(first.data[0].id, second.data[0].id);
        assert!(first.next_cursor.is_some() && second.next_cursor.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_change_of_role_ends_tokens_of_the_version_before() {
    on_each_engine(MODULES, |db| async move {
        force_reruns(&db, true);
        let alice = person();
        let acme = create(&db, alice).await;
        let bob = join(&db, acme, Role::Member).await;
        let before = active(&db, bob, None).await.unwrap();
        change(&db, acme, (alice, bob), Role::Admin).await.unwrap();
        let after = active(&db, bob, None).await.unwrap();
        assert_eq!((after.standing.rank, after.version), (Role::Admin, before.version + 1));
        let expected = Revoked::Membership { user_id: bob, org_id: acme, below_version: after.version };
        assert_eq!(revoked(&db).await, [expected]);
        change(&db, acme, (alice, bob), Role::Admin).await.unwrap();
        assert_eq!(revoked(&db).await.len(), 1, "what is so already changes nothing");
    })
    .await;
}

#[tokio::test]
async fn a_removed_member_who_joins_again_has_a_higher_version() {
    on_each_engine(MODULES, |db| async move {
        let alice = person();
        let acme = create(&db, alice).await;
        let bob = join(&db, acme, Role::Member).await;
        change(&db, acme, (alice, bob), Role::Admin).await.unwrap();
        remove(&db, acme, alice, bob).await.unwrap();
        let Some(Revoked::Membership { below_version, .. }) = revoked(&db).await.last().copied() else {
            panic!("the removal was revoked");
        };
        let again = add(&db, acme, bob, Role::Member).await;
        assert!(below_version > 1 && again.version == below_version);
        assert!(matches!(remove(&db, acme, alice, person()).await, Err(TenancyError::NoSuchMember)));
    })
    .await;
}

#[tokio::test]
async fn roles_decide_who_may_change_whom() {
    on_each_engine(MODULES, |db| async move {
        let owner = person();
        let acme = create(&db, owner).await;
        let admin = join(&db, acme, Role::Admin).await;
        let (member, other) = (join(&db, acme, Role::Member).await, join(&db, acme, Role::Member).await);
        let refused = |result: Result<(), TenancyError>| matches!(result, Err(TenancyError::RoleTooLow));
        assert!(refused(change(&db, acme, (admin, owner), Role::Member).await));
        assert!(refused(change(&db, acme, (admin, admin), Role::Owner).await));
        assert!(refused(change(&db, acme, (member, member), Role::Admin).await));
        assert!(refused(remove(&db, acme, member, other).await));
        assert!(refused(remove(&db, acme, admin, owner).await));
        let stranger = remove(&db, acme, person(), other).await;
        assert!(matches!(stranger, Err(TenancyError::NoSuchOrganization)));
        remove(&db, acme, member, member).await.unwrap();
        remove(&db, acme, admin, other).await.unwrap();
        change(&db, acme, (admin, admin), Role::Member).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_owners_who_leave_at_once_leave_one_behind() {
    on_each_engine(MODULES, |db| async move {
        let first = person();
        let acme = create(&db, first).await;
        let mut owners_before = vec![first];
        for _ in 0..49 {
            owners_before.push(join(&db, acme, Role::Owner).await);
        }
        let mut leaving = tokio::task::JoinSet::new();
        for (index, owner) in owners_before.into_iter().enumerate() {
            let db = db.clone();
            leaving.spawn(async move {
                if index % 2 == 0 {
                    remove(&db, acme, owner, owner).await
                } else {
                    change(&db, acme, (owner, owner), Role::Member).await
                }
            });
        }
        let results = leaving.join_all().await;
        let refused: Vec<_> = results.iter().filter(|result| result.is_err()).collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(matches!(refused[0], Err(TenancyError::LastOwner)));
        assert_eq!(owners(&db, acme).await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_erased_person_leaves_no_organisation_without_an_owner() {
    on_each_engine(MODULES, |db| async move {
        let alice = person();
        let (personal, lonely) = (create_personal(&db, alice).await, create(&db, alice).await);
        let shared = create(&db, alice).await;
        let (_, admin) = (join(&db, shared, Role::Member).await, join(&db, shared, Role::Admin).await);
        let owned = create(&db, alice).await;
        let partner = join(&db, owned, Role::Owner).await;
        let erase = move |tx: &mut quoin_db::Tx<'_>| {
            crate::remove_person(tx, &Limits::default(), alice, now(), &rng())
        };
        let mut removed: RemovedPerson = db.write::<_, DbError, _>("test.erase", erase).await.unwrap();
        removed.deleted.sort_unstable();
        let mut expected = vec![personal, lonely];
        expected.sort_unstable();
        assert_eq!(removed.deleted, expected);
        assert_eq!(removed.handed_over, [(shared, admin)]);
        assert_eq!((owners(&db, shared).await, owners(&db, owned).await), (1, 1));
        assert_eq!(active(&db, partner, None).await.unwrap().standing.rank, Role::Owner);
        assert_eq!(active(&db, alice, None).await, None);
    })
    .await;
}
