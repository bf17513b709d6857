//! The pages, where people belong to one organisation each: its id in the address says whose people a visit is about.

use http::{Method, header};
use quoin_identity::config::IdentityMode;
use quoin_server::settings::Settings;
use quoin_testkit::{TestServer, on_each_engine_with};
use serde_json::{Value, json};

use crate::pages::{Browser, PASSWORD};

fn per_organization(settings: &mut Settings) {
    settings.identity.mode = IdentityMode::PerOrganization;
}

/// Founds an organisation, whose owner gets the usual password.
async fn found(server: &TestServer, name: &str, owner: &str) -> Value {
    let body = json!({"name": name, "owner_email": owner});
    let founded = server.admin(Method::POST, "/admin/v1/orgs", Some(&body)).await.expect(201).json();
    let path = format!("/auth/v1/admin/users/{}", founded["owner"]["id"].as_str().unwrap());
    let body = json!({"password": PASSWORD, "email_confirm": true});
    server.admin(Method::PUT, &path, Some(&body)).await.expect(200);
    founded
}

fn id(founded: &Value) -> &str {
    founded["id"].as_str().unwrap()
}

async fn person(server: &TestServer, org: &str, email: &str, password: &str) {
    let body = json!({"org_id": org, "email": email, "password": password, "email_confirm": true});
    server.admin(Method::POST, "/auth/v1/admin/users", Some(&body)).await.expect(200);
}

#[tokio::test]
async fn a_page_asks_among_the_people_of_the_organisation_in_its_address_and_remembers_it() {
    on_each_engine_with(per_organization, |server| async move {
        let one = found(&server, "One", "owner@one.example").await;
        let two = found(&server, "Two", "owner@two.example").await;
        let (one, two) = (id(&one), id(&two));
        person(&server, one, "ann@example.com", PASSWORD).await;
        person(&server, two, "ann@example.com", "another three words").await;

        let browser = Browser::new(&server);
        let nowhere = browser.sign_in("ann@example.com", PASSWORD).await.expect(400);
        assert!(nowhere.text().contains("does not know which organisation"), "{}", nowhere.text());

        let page = browser.open(&format!("/sign-in?org={two}")).await.expect(200);
        let typed = [("email", "ann@example.com"), ("password", PASSWORD)];
        browser.submit(&page, "/sign-in", &typed).await.expect(400);
        let page = browser.open(&format!("/sign-in?org={one}")).await.expect(200);
        let done = browser.submit(&page, "/sign-in", &typed).await.expect(303);
        let account = browser.follow(&done).await.expect(200);
        assert!(account.text().contains("ann@example.com"));

        // Another organisation in an address neither opens nor ends what is open.
        browser.open(&format!("/account?org={two}")).await.expect(200);
        // The browser remembers where it was last.
        let later = Browser::new(&server);
        later.open(&format!("/sign-in?org={one}")).await.expect(200);
        later.sign_in("ann@example.com", PASSWORD).await.expect(303);
        let invented = "00000000-0000-7000-8000-000000000000";
        let stranger = Browser::new(&server);
        let page = stranger.open(&format!("/sign-in?org={invented}")).await.expect(200);
        stranger.submit(&page, "/sign-in", &typed).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn an_invitations_page_knows_whose_people_it_is_about() {
    on_each_engine_with(per_organization, |server| async move {
        let one = found(&server, "One", "owner@one.example").await;
        let path =
            format!("/auth/v1/token?grant_type=password&apikey={}", one["publishable_key"].as_str().unwrap());
        let body = json!({"email": "owner@one.example", "password": PASSWORD});
        let owner = server.anon(Method::POST, &path, Some(&body)).await.expect(200).json();
        let path = format!("/orgs/v1/orgs/{}/invitations", id(&one));
        let body = json!({"email": "ann@example.com", "role": "admin"});
        let token = owner["access_token"].as_str();
        server.call(Method::POST, &path, token, Some(&body)).await.expect(201);
        let ann = Browser::new(&server);
        let link = ann.link("ann@example.com", 1).await;
        let invitation = link.split("token=").nth(1).unwrap().to_owned();
        ann.open(&format!("/invitation?token={invitation}")).await.expect(200);
        let page = ann.open("/sign-up").await.expect(200);
        let typed = [("email", "ann@example.com"), ("password", PASSWORD), ("name", "Ann")];
        ann.submit(&page, "/sign-up", &typed).await.expect(200);
        let link = ann.link("ann@example.com", 2).await;
        let page = ann.open(&link).await.expect(200);
        ann.submit(&page, "/confirm", &[]).await.expect(303);
        // Their coming has accepted it.
        let back = ann.open(&format!("/invitation?token={invitation}")).await.expect(303);
        assert!(back.headers[header::LOCATION].to_str().unwrap().contains("/account"));
    })
    .await;
}

#[tokio::test]
async fn one_of_an_organisations_people_founds_none_by_any_door() {
    on_each_engine_with(per_organization, |server| async move {
        let one = found(&server, "One", "owner@one.example").await;
        let browser = Browser::new(&server);
        let page = browser.open(&format!("/sign-in?org={}", id(&one))).await.expect(200);
        let typed = [("email", "owner@one.example"), ("password", PASSWORD)];
        browser.submit(&page, "/sign-in", &typed).await.expect(303);
        let page = browser.open("/account/organisations").await.expect(200);
        browser.submit(&page, "/account/organisations", &[("name", "Two")]).await.expect(403);
        let page = browser.open("/account/organisations").await.expect(200);
        assert!(!page.text().contains("Two"), "{}", page.text());
    })
    .await;
}

#[tokio::test]
async fn the_way_to_a_provider_says_whose_people_it_is_about() {
    on_each_engine_with(per_organization, |server| async move {
        let one = found(&server, "One", "owner@one.example").await;
        let browser = Browser::new(&server);
        let away =
            browser.open(&format!("/sign-in/provider?org={}&provider=nobody", id(&one))).await.expect(303);
        let target = away.headers[header::LOCATION].to_str().unwrap().to_owned();
        assert!(target.contains("/auth/v1/authorize?"), "{target}");
        // The API knows among whom, and says what it says to every application: there is no such provider.
        let answer = browser.follow(&away).await.expect(400);
        assert_eq!(answer.code(), "oauth_provider_not_supported", "{}", answer.text());
        let nowhere = browser.open(&target.replace("&org=", "&other=")).await.expect(400);
        assert_eq!(nowhere.code(), "organization_needed", "{}", nowhere.text());
    })
    .await;
}
