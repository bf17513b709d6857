//! One entry of the trail: who did what, to what, for which organisation, from where.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use quoin_kernel::port::Origin;
use quoin_kernel::{ApiKeyId, Caller, Id, OrgId, Rng, Timestamp, UserId};
use serde_json::Value;

/// The kind of thing that an [`EntryId`] names.
#[derive(Debug)]
pub enum AuditEntry {}

/// Identifies an entry of the trail.
pub type EntryId = Id<AuditEntry>;

/// Makes ids of entries that were made at one moment follow one another.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Makes a UUIDv7 whose first random bits are the microseconds and a counter (RFC 9562, section 6.2, methods 1 and 3):
/// the trail is read in the order of its ids, and one request writes several entries at one moment.
fn next_id(at: Timestamp, rng: &dyn Rng) -> EntryId {
    let mut random = [0; 5];
    rng.fill(&mut random);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    id_of(at, count, random)
}

/// Returns the lowest id of an entry of this millisecond.
pub(crate) fn first_id_at(at: Timestamp) -> EntryId {
    let millis = at.as_micros().div_euclid(1000);
    id_of(Timestamp::from_micros(millis * 1000), 0, [0; 5])
}

/// 12 bits of microseconds, 22 of the counter, 40 of chance.
fn id_of(at: Timestamp, count: u32, random: [u8; 5]) -> EntryId {
    let micros = at.as_micros();
    let millis = u64::try_from(micros.div_euclid(1000)).unwrap_or(0);
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&u16::try_from(micros.rem_euclid(1000)).unwrap_or(0).to_be_bytes());
    bytes[2..5].copy_from_slice(&(count & 0x003f_ffff).to_be_bytes()[1..]);
    bytes[5..].copy_from_slice(&random);
    EntryId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}

/// Says who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has not shown who they are, for example at sign-up.
    Anonymous,
    /// A person.
    User(UserId),
    /// A secret API key.
    ApiKey(ApiKeyId),
    /// A part of Quoin itself: a job, a schedule, the command line.
    System(&'static str),
}

impl Actor {
    /// Returns the kind that rows and filters carry.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
            Self::System(_) => "system",
        }
    }

    /// Returns the id that rows and filters carry.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::User(id) => Some(id.to_string()),
            Self::ApiKey(id) => Some(id.to_string()),
            Self::System(name) => Some((*name).to_owned()),
        }
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        match caller {
            Caller::Anonymous => Self::Anonymous,
            Caller::User(user) => Self::User(user.user_id),
            Caller::ApiKey(key) => Self::ApiKey(key.key_id),
        }
    }
}

/// An entry to be written. Holds no secret and no more about a person than their id and address on the network.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) id: EntryId,
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) org_id: Option<OrgId>,
    pub(crate) action: &'static str,
    pub(crate) target: Option<String>,
    pub(crate) detail: Value,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) request_id: Option<String>,
}

impl Entry {
    /// Starts an entry named `domain.noun.verb-in-the-past`, outside the transaction that will write it.
    pub fn new(rng: &dyn Rng, at: Timestamp, actor: Actor, action: &'static str) -> Self {
        Self {
            id: next_id(at, rng),
            at,
            actor,
            org_id: None,
            action,
            target: None,
            detail: Value::Object(serde_json::Map::new()),
            ip: None,
            request_id: None,
        }
    }

    /// Adds where the request came from.
    #[must_use]
    pub fn from(mut self, origin: &Origin) -> Self {
        self.ip = Some(origin.ip);
        self.request_id = Some(origin.request_id.clone());
        self
    }

    /// Adds the organisation whose trail shows the entry.
    #[must_use]
    pub const fn in_org(mut self, org_id: OrgId) -> Self {
        self.org_id = Some(org_id);
        self
    }

    /// Adds the organisation whose trail shows the entry, where there is one.
    #[must_use]
    pub const fn in_org_of(mut self, org_id: Option<OrgId>) -> Self {
        self.org_id = org_id;
        self
    }

    /// Adds what it was done to: an id, a name.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "targets are ids and short names")]
    pub fn on(mut self, target: impl ToString) -> Self {
        self.target = Some(target.to_string());
        self
    }

    /// Adds what a reader needs to know besides, as a JSON object.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}
