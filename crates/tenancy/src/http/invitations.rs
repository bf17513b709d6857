//! Invitations: sending, listing, taking back, accepting, and the page behind their link.

use quoin_kernel::page::{Listed, PageIn};
use quoin_kernel::{EmailAddress, OrgId, Problem, Secret, permission};
use quoin_web::{
    Ctx, Json, ManageMembers, Operation, Permitted, Refusal, Response, RoutesFor, State, StatusCode,
    Unidentified, User, ValidJson, ValidPath, ValidQuery, Who,
};
use serde::Deserialize;

use crate::model::{InvitationId, InvitationOut, Organization};
use crate::service::{self, InvitationWish};
use crate::{Tenancy, pages};

const MANAGES: Who = Who::Permitted(permission::MEMBERS_MANAGE);

/// Whom to invite.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct InvitationIn {
    /// The address.
    email: EmailAddress,
    /// The name of the role; the organisation's default where none is named.
    role: Option<String>,
    /// Where the page behind the link leads; the site's URL where it is missing or not allowed.
    redirect_to: Option<String>,
}

/// How to send an invitation again.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResendIn {
    /// Where the page behind the link leads; the site's URL where it is missing or not allowed.
    redirect_to: Option<String>,
}

/// The link's token.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct AcceptIn {
    /// The token.
    token: Secret<String>,
}

/// What a link carries.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct LinkQuery {
    /// The token.
    token: Option<String>,
    /// Where the page leads.
    redirect_to: Option<String>,
}

/// Names an invitation in the path.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct InvitationPath {
    org_id: OrgId,
    invitation_id: InvitationId,
}

/// Adds the operations on invitations.
pub(super) fn add(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    accepting(managing(routes))
}

fn managing(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::post("/orgs/v1/orgs/{org_id}/invitations", "tenancy.invitations.create")
                .summary("Invites somebody by mail, with a role.")
                .description("Addresses with and without an account are treated alike.")
                .caller(MANAGES)
                .idempotent()
                .takes::<InvitationIn>()
                .gives::<InvitationOut>(201),
            create,
        )
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}/invitations", "tenancy.invitations.list")
                .summary("Lists the invitations that nobody has accepted yet.")
                .caller(MANAGES)
                .query::<PageIn>()
                .gives::<Listed<InvitationOut>>(200),
            list,
        )
        .add(
            Operation::post(
                "/orgs/v1/orgs/{org_id}/invitations/{invitation_id}/resend",
                "tenancy.invitations.resend",
            )
            .summary("Sends an invitation again; the link before is dead.")
            .caller(MANAGES)
            .takes::<ResendIn>()
            .gives::<InvitationOut>(200),
            resend,
        )
        .add(
            Operation::delete(
                "/orgs/v1/orgs/{org_id}/invitations/{invitation_id}",
                "tenancy.invitations.revoke",
            )
            .summary("Takes an invitation back.")
            .caller(MANAGES)
            .gives_nothing(204),
            revoke,
        )
}

fn accepting(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::get("/orgs/v1/invitations/accept", "tenancy.invitations.show")
                .summary("Shows the page behind an invitation's link; consumes nothing.")
                .query::<LinkQuery>()
                .gives_nothing(200),
            show,
        )
        .add(
            Operation::post("/orgs/v1/invitations/accept", "tenancy.invitations.accept")
                .summary("Accepts an invitation, once, for the person whose confirmed address was invited.")
                .caller(Who::User)
                .takes::<AcceptIn>()
                .gives::<Organization>(200),
            accept,
        )
}

async fn create(
    ctx: Ctx<Permitted<ManageMembers>>,
    State(tenancy): State<Tenancy>,
    ValidJson(input): ValidJson<InvitationIn>,
) -> Result<(StatusCode, Json<InvitationOut>), Refusal> {
    let InvitationIn { email, role, redirect_to } = input;
    let by = (ctx.who.org_id, ctx.who.user.user_id);
    let wish = InvitationWish { email, role, redirect_to };
    Ok((StatusCode::CREATED, Json(service::invite(&tenancy, by, wish, &ctx.origin).await?)))
}

async fn list(
    ctx: Ctx<Permitted<ManageMembers>>,
    State(tenancy): State<Tenancy>,
    ValidQuery(page): ValidQuery<PageIn>,
) -> Result<Json<Listed<InvitationOut>>, Refusal> {
    let page = page.check().map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(Json(service::list_invitations(&tenancy, ctx.who.org_id, page, ctx.now()).await?))
}

async fn resend(
    ctx: Ctx<Permitted<ManageMembers>>,
    State(tenancy): State<Tenancy>,
    ValidPath(path): ValidPath<InvitationPath>,
    ValidJson(input): ValidJson<ResendIn>,
) -> Result<Json<InvitationOut>, Refusal> {
    let by = (path.org_id, ctx.who.user.user_id);
    let id = path.invitation_id;
    Ok(Json(service::resend_invitation(&tenancy, by, id, input.redirect_to, &ctx.origin).await?))
}

async fn revoke(
    ctx: Ctx<Permitted<ManageMembers>>,
    State(tenancy): State<Tenancy>,
    ValidPath(path): ValidPath<InvitationPath>,
) -> Result<StatusCode, Refusal> {
    let by = (path.org_id, ctx.who.user.user_id);
    service::revoke_invitation(&tenancy, by, path.invitation_id, &ctx.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn accept(
    ctx: Ctx<User>,
    State(tenancy): State<Tenancy>,
    ValidJson(input): ValidJson<AcceptIn>,
) -> Result<Json<Organization>, Refusal> {
    let user_id = ctx.who.user.user_id;
    Ok(Json(service::accept_invitation(&tenancy, input.token.expose(), user_id, &ctx.origin).await?))
}

async fn show(
    ctx: Ctx<Unidentified>,
    State(tenancy): State<Tenancy>,
    ValidQuery(query): ValidQuery<LinkQuery>,
) -> Result<Response, Refusal> {
    let (token, target) = (query.token.unwrap_or_default(), query.redirect_to.as_deref());
    let config = ctx.app.config();
    let view = match service::peek_invitation(&tenancy, &token, ctx.now()).await.map_err(Problem::from) {
        Ok(facts) => pages::invitation(config, &facts, (&token, target), &ctx.origin),
        Err(problem) if problem.status() < 500 => {
            pages::dead_invitation(config, problem, target, &ctx.origin)
        }
        Err(problem) => return Err(problem.into()),
    };
    Ok(ctx.app.show(view)?)
}
