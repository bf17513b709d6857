//! What is asked, of whom, and what must come back.

use bench::http::Request;
use bench::people::Person;
use serde_json::{Value, json};

use crate::stage::{FILE_TIMES, FILE_WORDS, Stage};
use crate::webhook;

/// One kind of work.
pub(crate) struct Scenario {
    /// As in the table of goals.
    pub number: u32,
    /// Its short name, also the path at the baseline.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// The goal, as a share of the baseline `bare`.
    pub goal: f64,
    /// What is sent.
    pub work: Work,
    /// The status of every answer.
    pub status: u16,
    /// How often this text must be in every answer.
    pub contains: (&'static str, usize),
    /// Whether an answer is a durable write.
    pub writes: bool,
    /// Whether the engine alone can do the same statements.
    pub has_raw: bool,
}

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Insert,
    Point,
    List,
    /// Each answer holds the token for the next request.
    Refresh,
    Introspect,
    /// The same question, asked by the person.
    GetUser,
    /// A small file by signed URL, without any credential.
    File,
    /// A signed event of a provider, each another one.
    Webhook,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Quoin,
    Bare,
}

/// Those that are a ratio to the baseline; sign-in and start are measured in files of their own.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        number: 1,
        name: "insert",
        what: "durable insert with an access rule, the row returned",
        goal: 0.5,
        work: Work::Insert,
        status: 201,
        contains: ("\"title\":", 1),
        writes: true,
        has_raw: true,
    },
    Scenario {
        number: 2,
        name: "point",
        what: "authenticated point read with a rule",
        goal: 0.6,
        work: Work::Point,
        status: 200,
        contains: ("\"title\":", 1),
        writes: false,
        has_raw: true,
    },
    Scenario {
        number: 3,
        name: "list",
        what: "20 rows by an indexed tenant filter",
        goal: 0.4,
        work: Work::List,
        status: 200,
        contains: ("\"title\":", 20),
        writes: false,
        has_raw: true,
    },
    Scenario {
        number: 5,
        name: "refresh",
        what: "rotating refresh, durable, reuse detected",
        goal: 0.35,
        work: Work::Refresh,
        status: 200,
        contains: ("\"refresh_token\":", 1),
        writes: true,
        has_raw: false,
    },
    Scenario {
        number: 6,
        name: "introspect",
        what: "introspection with the secret key, revocable",
        goal: 0.7,
        work: Work::Introspect,
        status: 200,
        contains: ("\"active\":true", 1),
        writes: false,
        has_raw: false,
    },
    Scenario {
        number: 6,
        name: "get-user",
        what: "session check by GET /auth/v1/user, revocable",
        goal: 0.7,
        work: Work::GetUser,
        status: 200,
        contains: ("\"aud\":\"authenticated\"", 1),
        writes: false,
        has_raw: false,
    },
    Scenario {
        number: 7,
        name: "webhook",
        what: "a signed event of Stripe's: verified, deduplicated, durable, its object to be fetched",
        goal: 0.4,
        work: Work::Webhook,
        status: 200,
        contains: ("\"received\":true", 1),
        writes: true,
        has_raw: false,
    },
    Scenario {
        number: 10,
        name: "file",
        what: "8 KB by signed URL, whose signer could be signed out at any moment",
        goal: 0.6,
        work: Work::File,
        status: 200,
        contains: (FILE_WORDS, FILE_TIMES),
        writes: false,
        has_raw: false,
    },
];

impl Scenario {
    /// Returns the requests that a connection sends in turn; a refresh's later ones come from the answers.
    pub(crate) fn requests(&self, stage: &Stage, target: Target, connection: usize) -> Vec<Vec<u8>> {
        let person = stage.person(connection);
        let requests = match self.work {
            Work::Insert => vec![
                self.request(target, "POST", "/rest/v1/bench_posts", &person.access_token)
                    .header("prefer", "return=representation")
                    .json(&json!({"title": "a post", "likes": 1})),
            ],
            Work::Point => {
                let read = |id: &String| {
                    self.request(
                        target,
                        "GET",
                        &format!("/rest/v1/bench_posts?id=eq.{id}"),
                        &person.access_token,
                    )
                };
                stage.rows_of(connection).iter().map(read).collect()
            }
            Work::List => {
                let path = "/rest/v1/bench_posts?order=created_at.desc&limit=20";
                vec![self.request(target, "GET", path, &person.access_token)]
            }
            Work::Refresh => vec![self.refresh(target, &person)],
            Work::Introspect => {
                let body = json!({"token": person.access_token});
                vec![self.request(target, "POST", "/auth/v1/introspect", &stage.team.secret_key).json(&body)]
            }
            Work::File => vec![self.request(target, "GET", stage.file_of(connection), "")],
            Work::Webhook => vec![self.webhook(target)],
            Work::GetUser => vec![self.request(target, "GET", "/auth/v1/user", &person.access_token)],
        };
        requests.iter().map(Request::bytes).collect()
    }

    /// Returns the next request where an answer decides it.
    pub(crate) fn following(&self, target: Target, person: &mut Person, answer: &[u8]) -> Option<Vec<u8>> {
        if self.work == Work::Webhook {
            return Some(self.webhook(target).bytes());
        }
        if self.work != Work::Refresh || target == Target::Bare {
            return None;
        }
        let session: Value = serde_json::from_slice(answer).ok()?;
        session["refresh_token"].as_str()?.clone_into(&mut person.refresh_token);
        Some(self.refresh(target, person).bytes())
    }

    /// Tells whether an answer is what it must be.
    pub(crate) fn accepts(&self, status: u16, body: &[u8]) -> bool {
        let (text, times) = self.contains;
        status == self.status
            && std::str::from_utf8(body).is_ok_and(|body| body.matches(text).count() == times)
    }

    fn webhook(&self, target: Target) -> Request {
        let (body, signature) = webhook::event();
        self.request(target, "POST", "/stripe", "").header("stripe-signature", &signature).json(&body)
    }

    fn refresh(&self, target: Target, person: &Person) -> Request {
        let body = json!({"refresh_token": person.refresh_token});
        self.request(target, "POST", "/auth/v1/token?grant_type=refresh_token", "").json(&body)
    }

    fn request(&self, target: Target, method: &str, path: &str, token: &str) -> Request {
        let own = format!("/{}", self.name);
        let request = Request::new(method, if target == Target::Bare { &own } else { path });
        if token.is_empty() { request } else { request.bearer(token) }
    }
}
