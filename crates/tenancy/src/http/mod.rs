//! The operations of `/orgs/v1`.

mod audit;
mod domains;
mod invitations;
mod members;
mod organizations;
mod platform;
mod roles;
mod settings;
mod sso;

use quoin_audit::{Actor, Entry};
use quoin_kernel::page::{Listed, PageIn};
use quoin_kernel::permission;
use quoin_web::{Ctx, Operation, Routes, RoutesFor, Who};
use serde_json::Value;

use crate::Tenancy;
use crate::model::{Membership, Organization};

/// Declares this room's operations.
pub(crate) fn routes(tenancy: Tenancy) -> Routes {
    let routes = Routes::new(tenancy)
        .add(
            Operation::post("/orgs/v1/orgs", "tenancy.orgs.create")
                .summary("Creates an organisation; the caller becomes its owner.")
                .caller(Who::User)
                .idempotent()
                .takes::<organizations::NameIn>()
                .gives::<Organization>(201),
            organizations::create,
        )
        .add(
            Operation::get("/orgs/v1/orgs", "tenancy.orgs.list")
                .summary("Lists the organisations that the caller belongs to.")
                .caller(Who::User)
                .query::<organizations::ListIn>()
                .gives::<Listed<Organization>>(200),
            organizations::list,
        )
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}", "tenancy.orgs.get")
                .summary("Reads an organisation.")
                .caller(Who::Member)
                .gives::<Organization>(200),
            organizations::get,
        )
        .add(
            Operation::patch("/orgs/v1/orgs/{org_id}", "tenancy.orgs.rename")
                .summary("Changes the name of an organisation.")
                .caller(Who::Permitted(permission::SETTINGS_MANAGE))
                .takes::<organizations::NameIn>()
                .gives::<Organization>(200),
            organizations::rename,
        );
    let routes = roles::add(invitations::add(with_members(with_ends(routes))));
    sso::add(domains::add(platform::add(settings::add(routes)))).done()
}

fn with_ends(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::delete("/orgs/v1/orgs/{org_id}", "tenancy.orgs.delete")
                .summary("Deletes an organisation and everything it owns.")
                .description(
                    "Its members' tokens and its keys end at once; what it owns is removed after \
                     `tenancy.deletion_grace_days`. A personal organisation cannot be deleted.",
                )
                .caller(Who::Owner)
                .gives_nothing(204),
            organizations::delete,
        )
        .add(
            Operation::post("/orgs/v1/orgs/{org_id}/restore", "tenancy.orgs.restore")
                .summary(
                    "Takes the deletion of an organisation back, within its time of grace; for its owners.",
                )
                .caller(Who::User)
                .gives::<Organization>(200),
            organizations::restore,
        )
        .add(
            Operation::post("/orgs/v1/orgs/{org_id}/switch", "tenancy.orgs.switch")
                .summary("Gives a new token pair with this organisation active.")
                .description("The present refresh token ends.")
                .caller(Who::Member)
                .gives::<Value>(200),
            organizations::switch,
        )
}

fn with_members(routes: RoutesFor<Tenancy>) -> RoutesFor<Tenancy> {
    routes
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}/members", "tenancy.members.list")
                .summary("Lists the members of an organisation.")
                .caller(Who::Member)
                .query::<PageIn>()
                .gives::<Listed<Membership>>(200),
            members::list,
        )
        .add(
            Operation::patch("/orgs/v1/orgs/{org_id}/members/{user_id}", "tenancy.members.change")
                .summary("Changes a member's role.")
                .description(
                    "Admins manage members and admins, owners manage everybody; the last owner stays.",
                )
                .caller(Who::Member)
                .takes::<members::RoleIn>()
                .gives::<members::RoleOut>(200),
            members::change,
        )
        .add(
            Operation::delete("/orgs/v1/orgs/{org_id}/members/{user_id}", "tenancy.members.remove")
                .summary("Removes a member; everybody may remove themselves.")
                .description(
                    "The member's tokens stop naming the organisation at once. The last owner stays.",
                )
                .caller(Who::Member)
                .gives_nothing(204),
            members::remove,
        )
        .add(
            Operation::get("/orgs/v1/orgs/{org_id}/audit", "tenancy.audit.list")
                .summary("Lists the audit trail of an organisation, newest first.")
                .caller(Who::Permitted(permission::AUDIT_READ))
                .query::<audit::AuditIn>()
                .gives::<Listed<quoin_audit::Recorded>>(200),
            audit::list,
        )
        .add(
            Operation::post("/orgs/v1/orgs/{org_id}/transfer", "tenancy.orgs.transfer")
                .summary("Hands the organisation over: another member becomes owner, the caller an admin.")
                .caller(Who::Owner)
                .takes::<members::TransferIn>()
                .gives_nothing(204),
            members::transfer,
        )
}

/// Starts the entry of what this call does.
fn entry<W>(ctx: &Ctx<W>, actor: quoin_kernel::UserId, action: &'static str) -> Entry {
    Entry::new(ctx.app.rng(), ctx.now(), Actor::User(actor), action).from(&ctx.origin)
}
