//! `/auth/v1/admin/users`: accounts.

use quoin_audit::Actor;
use quoin_kernel::{EmailAddress, OrgId, Problem, Secret, UserId};
use quoin_web::{
    Ctx, HeaderMap, HeaderValue, Json, Operation, PlatformKey, Refusal, Response, RoutesFor, State,
    ValidJson, ValidPath, ValidQuery, Who, header,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::out::{Nothing, UserOut};
use super::super::user::attached;
use crate::Identity;
use crate::model::ban::BanDuration;
use crate::service::{self, AdminChanges, NumberedPage};

/// The scope these operations need.
pub(super) const SCOPE: &str = "users";

/// Which page.
#[derive(Debug, Deserialize, JsonSchema)]
struct ListQuery {
    /// The page's number, from 1.
    page: Option<String>,
    /// How many people it holds, 1 to 1000; 50 by default.
    per_page: Option<String>,
    /// Whose people, where they belong to one organisation each; everybody by default.
    org_id: Option<OrgId>,
}

/// A page of people. How many there are in all stands in `x-total-count`, further pages in `link`.
#[derive(Debug, Serialize, JsonSchema)]
struct UsersOut {
    /// The people, newest first.
    users: Vec<UserOut>,
    /// Always `authenticated`.
    aud: &'static str,
}

/// What an administrator says about an account; what is missing stays.
#[derive(Debug, Deserialize, JsonSchema)]
struct AdminUserIn {
    /// The id, for a new account that comes from elsewhere.
    id: Option<UserId>,
    /// Whose people a new account is one of, where they belong to one organisation each.
    org_id: Option<OrgId>,
    /// The role of a new account in that organisation; its default role where none is named.
    org_role: Option<String>,
    /// The address.
    email: Option<EmailAddress>,
    /// A password; ends all sessions.
    password: Option<Secret<String>>,
    /// The hash of a password from elsewhere, replaced at the next sign-in: Argon2id, bcrypt, scrypt, PBKDF2 or Firebase's
    /// scrypt; ends all sessions.
    password_hash: Option<Secret<String>>,
    /// True where the address counts as proved.
    #[serde(default)]
    email_confirm: Option<bool>,
    /// Changes to what the person may edit, key by key; null removes a key.
    user_metadata: Option<Map<String, Value>>,
    /// Changes to what only administrators may edit, key by key; null removes a key.
    app_metadata: Option<Map<String, Value>>,
    /// How long the person may not sign in from now: `24h`, `1h30m`, or `none`.
    ban_duration: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct UserPath {
    /// The person.
    user_id: UserId,
}

/// How an account goes.
#[derive(Debug, Deserialize, JsonSchema)]
struct DeleteIn {
    /// Must not be true: an account is erased, or banned.
    #[serde(default)]
    should_soft_delete: Option<bool>,
}

pub(super) fn add(routes: RoutesFor<Identity>) -> RoutesFor<Identity> {
    routes
        .add(
            Operation::get("/auth/v1/admin/users", "identity.user.list")
                .summary("Lists people, newest first.")
                .caller(Who::PlatformKey)
                .query::<ListQuery>()
                .gives::<UsersOut>(200),
            list,
        )
        .add(
            Operation::post("/auth/v1/admin/users", "identity.user.create")
                .summary("Makes an account without sending a mail.")
                .caller(Who::PlatformKey)
                .takes::<AdminUserIn>()
                .gives::<UserOut>(200),
            create,
        )
        .add(
            Operation::get("/auth/v1/admin/users/{user_id}", "identity.user.get")
                .summary("Shows an account.")
                .caller(Who::PlatformKey)
                .gives::<UserOut>(200),
            get,
        )
        .add(
            Operation::put("/auth/v1/admin/users/{user_id}", "identity.user.change")
                .summary("Changes an account, or bans it; a ban holds from the next request on.")
                .caller(Who::PlatformKey)
                .takes::<AdminUserIn>()
                .gives::<UserOut>(200),
            change,
        )
        .add(
            Operation::delete("/auth/v1/admin/users/{user_id}", "identity.user.delete")
                .summary("Erases an account and everything that is the person's.")
                .caller(Who::PlatformKey)
                .takes::<DeleteIn>()
                .gives::<Nothing>(200),
            delete,
        )
        .add(
            Operation::get("/auth/v1/admin/users/{user_id}/export", "identity.user.export_account")
                .summary("Gives everything that is kept of a person, in one file.")
                .caller(Who::PlatformKey)
                .gives::<Value>(200),
            export,
        )
}

async fn list(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidQuery(query): ValidQuery<ListQuery>,
) -> Result<(HeaderMap, Json<UsersOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    let page = NumberedPage::from_client(query.page.as_deref(), query.per_page.as_deref())?;
    let (users, total) = service::list_users(&identity, query.org_id, page).await?;
    let users = users.into_iter().map(UserOut::from).collect();
    Ok((paging(page, query.org_id, total)?, Json(UsersOut { users, aud: "authenticated" })))
}

/// Writes `x-total-count` and the links to the next and last page (RFC 8288), `page` first: clients read it there.
fn paging(page: NumberedPage, org_id: Option<OrgId>, total: i64) -> Result<HeaderMap, Problem> {
    let last = page.last(total);
    let next = i64::from(page.number) + 1;
    let of = org_id.map(|org_id| format!("&org_id={org_id}")).unwrap_or_default();
    let link = |number: i64, rel: &str| {
        format!("</auth/v1/admin/users?page={number}&per_page={}{of}>; rel=\"{rel}\"", page.size)
    };
    let next = (next <= last).then(|| link(next, "next"));
    let links: Vec<String> = next.into_iter().chain([link(last, "last")]).collect();
    let mut headers = HeaderMap::new();
    headers.insert("x-total-count", HeaderValue::from(total));
    headers.insert(header::LINK, HeaderValue::from_str(&links.join(", ")).map_err(Problem::internal)?);
    Ok(headers)
}

async fn create(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidJson(input): ValidJson<AdminUserIn>,
) -> Result<Json<UserOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let about = identity.about(input.org_id, &ctx.origin).await?;
    let place = (input.id, input.org_role.clone());
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    Ok(Json(service::create_user(&identity, place, input.changes()?, actor, &about).await?.into()))
}

async fn get(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<UserPath>,
) -> Result<Json<UserOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    Ok(Json(service::get_user(&identity, path.user_id).await?.into()))
}

async fn change(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<UserPath>,
    ValidJson(input): ValidJson<AdminUserIn>,
) -> Result<Json<UserOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    if input.org_id.is_some() || input.org_role.is_some() {
        let why = "is for new accounts: people stay where they are";
        return Err(Problem::invalid(format!("org_id {why}.")).field("org_id", why).into());
    }
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    Ok(Json(
        service::change_user(&identity, path.user_id, input.changes()?, actor, &ctx.origin).await?.into(),
    ))
}

async fn delete(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<UserPath>,
    ValidJson(input): ValidJson<DeleteIn>,
) -> Result<Json<Nothing>, Refusal> {
    ctx.who.demand(SCOPE)?;
    if input.should_soft_delete == Some(true) {
        let why = "must not be true: an account is erased, or banned";
        return Err(Problem::invalid(format!("should_soft_delete {why}."))
            .field("should_soft_delete", why)
            .into());
    }
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    service::delete_user(&identity, path.user_id, actor, &ctx.origin).await?;
    Ok(Json(Nothing {}))
}

async fn export(
    ctx: Ctx<PlatformKey>,
    State(identity): State<Identity>,
    ValidPath(path): ValidPath<UserPath>,
) -> Result<Response, Refusal> {
    ctx.who.demand(SCOPE)?;
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    Ok(attached(service::export_account(&identity, path.user_id, actor, &ctx.origin).await?))
}

impl AdminUserIn {
    fn changes(self) -> Result<AdminChanges, Problem> {
        Ok(AdminChanges {
            email: self.email,
            password: self.password,
            password_hash: self.password_hash,
            email_confirm: self.email_confirm == Some(true),
            user_metadata: self.user_metadata.unwrap_or_default(),
            app_metadata: self.app_metadata.unwrap_or_default(),
            ban: self.ban_duration.as_deref().map(BanDuration::parse).transpose()?,
            ..AdminChanges::default()
        })
    }
}
