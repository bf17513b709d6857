//! People whom a provider keeps: what it upholds, what it ends, and that there is no second door.

mod doors;
mod factors;
mod going_on;
mod guesses;
mod matrix;
mod organizations;
mod played;
mod sessions;

use quoin_web::Method;
use quoin_web::testing::TestAnswer;
use serde_json::{Value, json};

use super::harness::{House, plain_story};
use played::Directory;

/// Tells one story of a house whose people a provider keeps.
async fn kept_elsewhere<F>(body: impl Fn(House, Directory) -> F)
where
    F: Future<Output = ()>,
{
    plain_story(|house| {
        let directory = Directory::default();
        house.identity.connect_user_store(directory.shared());
        body(house, directory)
    })
    .await;
}

/// Signs in, and insists on a session.
async fn session_of(house: &House, name: &str) -> Value {
    let answer = house.sign_in(name, played::PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

async fn access(house: &House, token: &str) -> TestAnswer {
    house.get("/auth/v1/user", token).await
}

async fn ban(house: &House, id: &str, span: &str) -> TestAnswer {
    let path = format!("/auth/v1/admin/users/{id}");
    house.admin(Method::PUT, &path, json!({"ban_duration": span})).await
}
