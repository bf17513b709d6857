//! In whose name a request runs: a database role, and the claims that policies read.

use quoin_kernel::{Caller, Timestamp};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

use super::expression::{Claim, Expression};
use super::json_text::Json;
use super::literal::{BadValue, Literal};
use super::logical_type::LogicalType;

/// The database role of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestRole {
    /// Nobody has signed in.
    Anon,
    /// A person, or an organisation's key.
    Authenticated,
    /// The platform's key: policies do not bind it.
    Service,
}

impl RequestRole {
    /// Returns the role's name in PostgreSQL and in the claim `role`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Authenticated => "authenticated",
            Self::Service => "service_role",
        }
    }
}

/// Who asks, as far as rows are concerned.
#[derive(Debug, Clone)]
pub struct Requester {
    /// The role.
    pub role: RequestRole,
    /// The person.
    pub user_id: Option<Uuid>,
    /// The active organisation.
    pub org_id: Option<Uuid>,
    /// The name of the person's role there.
    pub org_role: Option<Arc<str>>,
    /// All claims as one JSON object.
    pub claims: Arc<str>,
    /// When the request arrived.
    pub now: Timestamp,
}

impl Requester {
    /// Describes a caller.
    ///
    /// An organisation's key is `authenticated` in that organisation, without a person and without a role in it, so
    /// that rules for people or for administrators do not let it through by accident.
    pub fn of(caller: &Caller, now: Timestamp) -> Self {
        let bare = |role: RequestRole, claims: serde_json::Value| Self {
            role,
            user_id: None,
            org_id: None,
            org_role: None,
            claims: claims.to_string().into(),
            now,
        };
        match caller {
            Caller::Anonymous => bare(RequestRole::Anon, json!({"role": "anon"})),
            Caller::User(user) => Self {
                role: RequestRole::Authenticated,
                user_id: Some(user.user_id.uuid()),
                org_id: user.org.map(|(org_id, _)| org_id.uuid()),
                org_role: user.org_role.clone(),
                claims: user.claims.clone(),
                now,
            },
            Caller::ApiKey(key) => match key.org_id {
                None => bare(RequestRole::Service, json!({"role": "service_role"})),
                Some(org_id) => {
                    let claims = json!({"role": "authenticated", "org_id": org_id, "key_id": key.key_id});
                    Self { org_id: Some(org_id.uuid()), ..bare(RequestRole::Authenticated, claims) }
                }
            },
        }
    }

    /// Speaks for the platform itself, as migrations and seeds do.
    pub fn platform(now: Timestamp) -> Self {
        Self {
            role: RequestRole::Service,
            user_id: None,
            org_id: None,
            org_role: None,
            claims: "{}".into(),
            now,
        }
    }

    /// Returns the value of a claim.
    ///
    /// # Errors
    /// SQLSTATE of the cast where the claim is cast to a type that it does not hold.
    pub fn claim(&self, claim: &Claim) -> Result<Literal, BadValue> {
        let text = |value: Option<&str>| value.map_or(Literal::Null, |value| Literal::Text(value.to_owned()));
        Ok(match claim {
            Claim::Uid => self.user_id.map_or(Literal::Null, Literal::Uuid),
            Claim::OrgId => self.org_id.map_or(Literal::Null, Literal::Uuid),
            Claim::OrgRole => text(self.org_role.as_deref()),
            Claim::Role => text(Some(self.role.as_str())),
            Claim::Jwt { path, as_text, cast } => {
                let claims = Json::parse(&self.claims).unwrap_or(Json::Null);
                let Some(part) = claims.get(path) else { return Ok(Literal::Null) };
                if !as_text {
                    let mut document = String::new();
                    part.write(&mut document);
                    return Ok(Literal::Json(document));
                }
                let Some(part) = part.as_text() else { return Ok(Literal::Null) };
                Literal::parse(cast.as_ref().unwrap_or(&LogicalType::Text), &part)?
            }
        })
    }

    /// Evaluates an expression that reads no row, such as a default; `uuid` is taken where one is asked for.
    ///
    /// # Errors
    /// As [`Requester::claim`].
    pub fn constant(
        &self,
        expression: &Expression,
        uuid: &mut dyn FnMut() -> Uuid,
    ) -> Result<Literal, BadValue> {
        Ok(match expression {
            Expression::Constant(literal, _) => literal.clone(),
            Expression::Claim(claim) => self.claim(claim)?,
            Expression::Now => Literal::Moment(self.now),
            Expression::RandomUuid => Literal::Uuid(uuid()),
            Expression::ToText(inner) => match self.constant(inner, uuid)? {
                Literal::Null => Literal::Null,
                literal => Literal::Text(literal.to_text()),
            },
            _ => Literal::Null,
        })
    }
}
