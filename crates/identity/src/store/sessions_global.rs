//! SQL on `quoin.identity_sessions`. A session is a person's; the organisation active in it is a column like others.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::port::Origin;
use quoin_kernel::{Aal, OrgId, SessionId, Timestamp, UserId};

use crate::model::session::{ListedSession, UsedToken};
use crate::model::{AuthMethod, Client, FactorKind, SecondMethod, Session, User};
use crate::store::users_global;

statements! {
    INSERT = "insert into quoin.identity_sessions (id, user_id, org_id, aal, method, seed, token_hash,
        authenticated_at, refreshed_at, created_at, second_method, second_at, ip, user_agent,
        sso_org_id, upstream_state, owed_factor)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    /// The person comes first: their columns are named in one place.
    GET_WITH_USER = concat!("select ", users_global::columns!("u."), ", s.id, s.user_id, s.org_id, s.aal, s.method, s.seed,
        s.token_hash, s.parent_hash, s.parent_used_at, s.parent_client, s.authenticated_at, s.refreshed_at,
        s.created_at, s.second_method, s.second_at, s.sso_org_id, s.upstream_state, s.owed_factor
        from quoin.identity_sessions s join quoin.identity_users u on u.id = s.user_id where s.id = ?1");
    /// The condition on the hash lets exactly one of many parallel uses through.
    ROTATE = "update quoin.identity_sessions set token_hash = ?3, parent_hash = ?2, parent_used_at = ?4,
        parent_client = ?5, refreshed_at = ?4, ip = ?6, user_agent = ?7 where id = ?1 and token_hash = ?2";
    REPLACE_TOKEN = "update quoin.identity_sessions set token_hash = ?2, parent_hash = null, parent_used_at = null,
        parent_client = null, org_id = ?3, refreshed_at = ?4 where id = ?1";
    FORGET_ORG = "update quoin.identity_sessions set org_id = null where org_id = ?1";
    SET_ORG = "update quoin.identity_sessions set org_id = ?2 where id = ?1";
    REAUTHENTICATED = "update quoin.identity_sessions set authenticated_at = ?2 where id = ?1";
    /// The conditions let one of many parallel refreshes ask the provider, and another one only once that one must have died.
    CLAIM_UPHOLDING = "update quoin.identity_sessions set upholding_since = ?3 where id = ?1 and token_hash = ?2
        and (upholding_since is null or upholding_since < ?4)";
    UPHELD = "update quoin.identity_sessions set upholding_since = null, upstream_state = coalesce(?2, upstream_state)
        where id = ?1";
    UPSTREAM_STATE = "select upstream_state from quoin.identity_sessions where id = ?1 and upstream_state is not null
        and owed_factor is null";
    HAND_OVER = "update quoin.identity_sessions set upstream_state = null where id = ?1";
    DELETE = "delete from quoin.identity_sessions where id = ?1";
    LIST_SSO_IDS = "select id from quoin.identity_sessions where user_id = ?1 and sso_org_id = ?2 order by id";
    LIST_ORG_IDS = "select id from quoin.identity_sessions where sso_org_id = ?1 order by id";
    LIST_IDS = "select id from quoin.identity_sessions where user_id = ?1 order by id";
    LIST = "select id, aal, method, ip, user_agent, created_at, refreshed_at from quoin.identity_sessions
        where user_id = ?1 order by refreshed_at desc, id desc limit 1000";
    /// Without a second factor there is none that a session could have shown; a passkey still stands for two.
    WEAKEN = "update quoin.identity_sessions set aal = 'aal1', second_method = null, second_at = null
        where id = ?1 and second_method is not null";
    LIST_ENDED = "select id from quoin.identity_sessions where refreshed_at < ?1 or created_at < ?2 limit 500";
    /// The condition spares a session that was refreshed since it was listed.
    DELETE_ENDED = "delete from quoin.identity_sessions where id = ?1 and (refreshed_at < ?2 or created_at < ?3)";
}

/// Adds a session that begins at `refreshed_at`, opened from `origin`.
pub(crate) fn insert(tx: &mut Tx<'_>, session: &Session, origin: &Origin) -> Result<(), DbError> {
    let ip = origin.ip.to_string();
    let row = params![
        session.id,
        session.user_id,
        session.org_id,
        session.aal.as_str(),
        session.method.as_str(),
        &session.seed,
        &session.token_hash,
        session.authenticated_at,
        session.refreshed_at,
        session.created_at,
        session.second.map(|second| second.method.as_str()),
        session.second.map(|second| second.at),
        ip.as_str(),
        origin.user_agent.as_str(),
        session.sso_org_id,
        session.upstream_state.as_deref(),
        session.owed_factor.map(FactorKind::as_str),
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds a session and its person.
pub(crate) fn find_with_user(tx: &mut Tx<'_>, id: SessionId) -> Result<Option<(User, Session)>, DbError> {
    let found = tx.query_opt(&GET_WITH_USER, &params![id], |row| {
        Ok((users_global::read(row, 0)?, read(row, users_global::COLUMNS)?))
    })?;
    let Some((found, session)) = found else { return Ok(None) };
    let mut user = found.complete(tx)?;
    session.narrow(&mut user);
    Ok(Some((user, session)))
}

/// Takes it upon this caller to ask the provider about a session whose newest token is the one it read; `false` where
/// somebody else does, or the token is no longer the newest.
pub(crate) fn claim_upholding(
    tx: &mut Tx<'_>,
    session: &Session,
    now: Timestamp,
    stale: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&CLAIM_UPHOLDING, &params![session.id, &session.token_hash, now, stale])? == 1)
}

/// Ends the claim, and keeps what upholds the session from now on.
pub(crate) fn settle_upholding(tx: &mut Tx<'_>, id: SessionId, state: Option<&[u8]>) -> Result<(), DbError> {
    tx.execute(&UPHELD, &params![id, state]).map(|_| ())
}

/// Returns the sealed token by which a provider upholds a session, where there is one.
pub(crate) fn upstream_state(tx: &mut Tx<'_>, id: SessionId) -> Result<Option<Vec<u8>>, DbError> {
    tx.query_opt(&UPSTREAM_STATE, &params![id], |row| row.get(0))
}

/// Takes from a session what upholds it: its successor has it.
pub(crate) fn hand_over(tx: &mut Tx<'_>, id: SessionId) -> Result<(), DbError> {
    tx.execute(&HAND_OVER, &params![id]).map(|_| ())
}

/// Replaces the newest token by its child; `false` where another use came first.
pub(crate) fn rotate(
    tx: &mut Tx<'_>,
    session: &Session,
    child: &[u8; 32],
    origin: &Origin,
) -> Result<bool, DbError> {
    let (client, ip) = (Client::of(origin), origin.ip.to_string());
    let row = params![
        session.id,
        &session.token_hash,
        child,
        origin.now,
        client.bytes(),
        ip.as_str(),
        origin.user_agent.as_str(),
    ];
    Ok(tx.execute(&ROTATE, &row)? == 1)
}

/// Replaces the newest token by an unrelated one and sets the active organisation; no grace is left for the old one.
pub(crate) fn replace_token(
    tx: &mut Tx<'_>,
    id: SessionId,
    token_hash: &[u8; 32],
    org_id: OrgId,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&REPLACE_TOKEN, &params![id, token_hash, org_id, now])? == 1)
}

/// Sets the active organisation.
pub(crate) fn update_org(tx: &mut Tx<'_>, id: SessionId, org_id: Option<OrgId>) -> Result<(), DbError> {
    tx.execute(&SET_ORG, &params![id, org_id]).map(|_| ())
}

/// Takes an organisation that is gone out of every session; the next refresh finds another one.
pub(crate) fn forget_org(tx: &mut Tx<'_>, org_id: OrgId) -> Result<u64, DbError> {
    tx.execute(&FORGET_ORG, &params![org_id])
}

/// Notes that the person has shown once more who they are.
pub(crate) fn update_authenticated(tx: &mut Tx<'_>, id: SessionId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&REAUTHENTICATED, &params![id, now]).map(|_| ())
}

/// Removes a session; `false` where it was gone.
pub(crate) fn delete(tx: &mut Tx<'_>, id: SessionId) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![id])? == 1)
}

/// Lists a person's sessions.
pub(crate) fn list_ids(tx: &mut Tx<'_>, user_id: UserId) -> Result<Vec<SessionId>, DbError> {
    tx.query(&LIST_IDS, &params![user_id], |row| row.get(0))
}

/// Lists a person's sessions that this organisation's own provider has opened.
pub(crate) fn list_sso_ids(
    tx: &mut Tx<'_>,
    user_id: UserId,
    org_id: OrgId,
) -> Result<Vec<SessionId>, DbError> {
    tx.query(&LIST_SSO_IDS, &params![user_id, org_id], |row| row.get(0))
}

/// Lists everybody's sessions that this organisation's own provider has opened.
pub(crate) fn list_org_ids(tx: &mut Tx<'_>, org_id: OrgId) -> Result<Vec<SessionId>, DbError> {
    tx.query(&LIST_ORG_IDS, &params![org_id], |row| row.get(0))
}

/// Lists a person's sessions as they see them, the one used last first.
pub(crate) fn list(tx: &mut Tx<'_>, user_id: UserId) -> Result<Vec<ListedSession>, DbError> {
    tx.query(&LIST, &params![user_id], |row| {
        Ok(ListedSession {
            id: row.get(0)?,
            aal: level(&row.get::<String>(1)?),
            method: method(row, 2)?,
            ip: row.get(3)?,
            user_agent: row.get(4)?,
            created_at: row.get(5)?,
            refreshed_at: row.get(6)?,
        })
    })
}

/// Takes the second method from a session whose person has no second factor any more.
pub(crate) fn weaken(tx: &mut Tx<'_>, id: SessionId) -> Result<(), DbError> {
    tx.execute(&WEAKEN, &params![id]).map(|_| ())
}

/// Lists some of the sessions that nobody has refreshed since the first moment, or that began before the second.
///
/// This looks at every session, so it belongs in a transaction that only reads: it keeps nobody from writing.
pub(crate) fn list_ended(
    tx: &mut Tx<'_>,
    (idle, old): (Timestamp, Option<Timestamp>),
) -> Result<Vec<SessionId>, DbError> {
    tx.query(&LIST_ENDED, &params![idle, old], |row| row.get(0))
}

/// Removes a session that has ended as [`list_ended`] says, if it still has.
pub(crate) fn delete_ended(
    tx: &mut Tx<'_>,
    id: SessionId,
    (idle, old): (Timestamp, Option<Timestamp>),
) -> Result<u64, DbError> {
    tx.execute(&DELETE_ENDED, &params![id, idle, old])
}

fn read(row: &Row<'_>, at: usize) -> Result<Session, DbError> {
    let parent = match (row.get::<Option<Vec<u8>>>(at + 7)?, row.get(at + 8)?) {
        (Some(hash), Some(used_at)) => {
            Some(UsedToken { hash: array(hash, at + 7)?, used_at, client: array(row.get(at + 9)?, at + 9)? })
        }
        _ => None,
    };
    Ok(Session {
        id: row.get(at)?,
        user_id: row.get(at + 1)?,
        org_id: row.get(at + 2)?,
        aal: level(&row.get::<String>(at + 3)?),
        method: method(row, at + 4)?,
        seed: array(row.get(at + 5)?, at + 5)?,
        token_hash: array(row.get(at + 6)?, at + 6)?,
        parent,
        authenticated_at: row.get(at + 10)?,
        refreshed_at: row.get(at + 11)?,
        created_at: row.get(at + 12)?,
        second: second(row, at + 13)?,
        sso_org_id: row.get(at + 15)?,
        upstream_state: row.get(at + 16)?,
        owed_factor: owed(row, at + 17)?,
    })
}

fn level(text: &str) -> Aal {
    if text == Aal::Aal2.as_str() { Aal::Aal2 } else { Aal::Aal1 }
}

fn method(row: &Row<'_>, index: usize) -> Result<AuthMethod, DbError> {
    let name: String = row.get(index)?;
    AuthMethod::parse(&name).ok_or(DbError::Column { index, expected: "AuthMethod" })
}

fn owed(row: &Row<'_>, index: usize) -> Result<Option<FactorKind>, DbError> {
    let Some(name) = row.get::<Option<String>>(index)? else { return Ok(None) };
    FactorKind::parse(&name).map(Some).ok_or(DbError::Column { index, expected: "FactorKind" })
}

fn second(row: &Row<'_>, at: usize) -> Result<Option<SecondMethod>, DbError> {
    let (Some(name), Some(moment)) = (row.get::<Option<String>>(at)?, row.get(at + 1)?) else {
        return Ok(None);
    };
    let method = AuthMethod::parse(&name).ok_or(DbError::Column { index: at, expected: "AuthMethod" })?;
    Ok(Some(SecondMethod { method, at: moment }))
}

/// Reads a hash or seed of 32 bytes.
pub(crate) fn array(bytes: Vec<u8>, index: usize) -> Result<[u8; 32], DbError> {
    bytes.try_into().map_err(|_| DbError::Column { index, expected: "32 bytes" })
}
