//! Organisations of the provider's are organisations here, by their id.

use serde_json::Value;

use super::played::{Directory, organization};
use super::{kept_elsewhere, session_of};
use crate::model::AttestedOrganization;
use crate::tests::harness::{ANN, House, claims, text};

const BOB: &str = "bob@example.com";

/// Signs in as a member of these, for the first of them; returns the claims, and the organisations with a role.
async fn arrive(
    house: &House,
    directory: &Directory,
    name: &str,
    all: &[AttestedOrganization],
) -> (Value, Vec<(String, String, String)>) {
    directory.change(name, |kept| {
        kept.organizations.active = all.first().cloned();
        kept.organizations.all = Some(all.to_vec());
    });
    let session = session_of(house, name).await;
    let listed = house.get("/orgs/v1/orgs", text(&session, "access_token")).await.json();
    let of = |org: &Value| {
        (text(org, "id").to_owned(), text(org, "name").to_owned(), text(org, "role").to_owned())
    };
    let shared = listed["data"].as_array().unwrap().iter().filter(|org| org["personal"] == false).map(of);
    (claims(text(&session, "access_token")), shared.collect())
}

#[tokio::test]
async fn an_organisation_is_made_once_and_joined_by_its_id() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        directory.keep(BOB);
        let (acme, namesake) = (organization("org_1", "Acme"), organization("org_2", "Acme"));
        let (said, mine) = arrive(&house, &directory, ANN, std::slice::from_ref(&acme)).await;
        let [(acme_id, name, role)] = mine.try_into().unwrap();
        assert_eq!((name.as_str(), role.as_str()), ("Acme", "owner"));
        assert_eq!((text(&said, "org_id"), text(&said, "org_role")), (acme_id.as_str(), "owner"));
        let (said, theirs) = arrive(&house, &directory, BOB, &[acme.clone(), namesake.clone()]).await;
        assert_eq!(theirs.len(), 2, "a name proves nothing");
        assert_eq!((text(&said, "org_id"), text(&said, "org_role")), (acme_id.as_str(), "member"));
        let renamed = AttestedOrganization { name: Some("Another".to_owned()), ..acme };
        let (_, mine) = arrive(&house, &directory, ANN, &[renamed]).await;
        assert_eq!(mine[0].0, acme_id);
    })
    .await;
}

#[tokio::test]
async fn whom_the_provider_lists_no_longer_is_no_member_and_the_last_owner_has_a_successor() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        directory.keep(BOB);
        let acme = [organization("org_1", "Acme")];
        let (_, mine) = arrive(&house, &directory, ANN, &acme).await;
        arrive(&house, &directory, BOB, &acme).await;
        let (said, none) = arrive(&house, &directory, ANN, &[]).await;
        assert!(none.is_empty());
        assert_ne!(said["org_id"], mine[0].0);
        let (_, theirs) = arrive(&house, &directory, BOB, &acme).await;
        assert_eq!((&theirs[0].0, theirs[0].2.as_str()), (&mine[0].0, "owner"));
        // Whoever leaves nobody behind leaves it to the next of its people.
        arrive(&house, &directory, BOB, &[]).await;
        let (_, back) = arrive(&house, &directory, ANN, &acme).await;
        assert_eq!((&back[0].0, back[0].2.as_str()), (&mine[0].0, "owner"));
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_says_nothing_of_organisations_changes_none() {
    kept_elsewhere(|house, directory| async move {
        directory.keep(ANN);
        let acme = [organization("org_1", "Acme")];
        let (_, mine) = arrive(&house, &directory, ANN, &acme).await;
        directory.change(ANN, |kept| kept.organizations = crate::port::AttestedOrganizations::default());
        let session = session_of(&house, ANN).await;
        let listed = house.get("/orgs/v1/orgs", text(&session, "access_token")).await.json();
        assert!(listed["data"].as_array().unwrap().iter().any(|org| org["id"] == mine[0].0.as_str()));
    })
    .await;
}
