//! The organisations of somebody: which is active, switching, making one. With somewhere to go, it is the picker on the way.

use minijinja::{Value, context};
use quoin_audit::{Actor, Entry};
use quoin_identity::service;
use quoin_kernel::billing::Subject;
use quoin_kernel::page::Page;
use quoin_kernel::{OrgId, Problem};
use quoin_tenancy::model::{NewOrganization, OrgName, Organization};
use quoin_tenancy::{TenancyError, service as tenancy};
use quoin_web::{Ctx, Response, RoutesFor, Unidentified};
use serde_json::json;

use super::{form, page};
use crate::Pages;
use crate::browser_session::{Person, account, enter};
use crate::visit::{Fields, Opened, Sent, Visit};

const TEMPLATE: &str = "organisations.html";
/// How many are shown. Whoever belongs to more switches in the application.
const SHOWN: Page = Page { limit: 200, after: None };

pub(super) fn add(routes: RoutesFor<Pages>) -> RoutesFor<Pages> {
    routes
        .add(page("/account/organisations", "pages.organisations.show"), show)
        .add(form("/account/organisations", "pages.organisations.create"), create)
        .add(form("/account/organisations/switch", "pages.organisations.switch"), switch)
}

async fn show(_: Ctx<Unidentified>, Opened { mut visit, .. }: Opened) -> Response {
    let shown = open(&mut visit).await;
    visit.answer(shown)
}

async fn open(visit: &mut Visit) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    let organisations = list(visit, &person).await?;
    visit.show(TEMPLATE, context! { page => "organisations", organisations })
}

async fn list(visit: &Visit, person: &Person) -> Result<Vec<Value>, Problem> {
    let listed = tenancy::list(visit.app().db().system(), person.user_id, false, SHOWN).await?;
    let active = person.org.map(|(org_id, _)| org_id);
    Ok(listed.data.iter().map(|org| entry(org, active)).collect())
}

fn entry(org: &Organization, active: Option<OrgId>) -> Value {
    context! { id => org.id.to_string(), name => org.name.clone(), role => org.role.clone(), personal => org.personal, active => active == Some(org.id) }
}

async fn switch(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = switch_to(&mut visit, &fields).await;
    visit.answer(done)
}

async fn switch_to(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    let org_id = fields.id("organisation")?;
    activate(visit, &person, org_id).await
}

/// Makes an organisation the active one, and goes on to where the person wants to land.
pub(super) async fn activate(visit: &mut Visit, person: &Person, org_id: OrgId) -> Result<Response, Problem> {
    let issued = service::switch_org(visit.pages.identity(), person, org_id, &visit.origin).await?;
    if visit.target.is_none() {
        crate::browser_session::keep(visit, &issued)?;
        return Ok(visit.go("/account/organisations"));
    }
    enter(visit, issued).await
}

async fn create(_: Ctx<Unidentified>, Sent { mut visit, fields }: Sent) -> Response {
    let done = make(&mut visit, &fields).await;
    visit.answer(done)
}

async fn make(visit: &mut Visit, fields: &Fields) -> Result<Response, Problem> {
    let (person, _) = account(visit).await?;
    let Some(name) = OrgName::new(fields.get("name").unwrap_or_default()) else {
        let organisations = list(visit, &person).await?;
        let problem = Problem::from(TenancyError::UnusableName);
        return visit.refuse(TEMPLATE, problem, context! { page => "organisations", organisations });
    };
    let (app, now, owner) = (visit.app(), visit.origin.now, person.user_id);
    let entry =
        Entry::new(app.rng(), now, Actor::User(owner), "tenancy.organization.created").from(&visit.origin);
    let entry = entry.detail(json!({"name": name.as_str()}));
    let (org_id, billed) = (OrgId::new(now, app.rng()), Subject::of(&person));
    let new = NewOrganization { org_id, name, owner, billed, now };
    tenancy::create(visit.pages.tenancy(), new, entry).await?;
    Ok(visit.go("/account/organisations"))
}
