//! A provider that keeps people in memory. It rotates refresh tokens, and takes one that was used before for stolen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Secret, Timestamp};
use serde_json::Map;

use crate::config::{UpstreamConfig, UpstreamKind};
use crate::model::{Attested, AttestedOrganization, FactorKind, Provider};
use crate::port::{
    Attestation, AttestedOrganizations, Credentials, FirstFactor, NewPerson, OwedFactor, PasswordChange,
    PersonChanges, Registered, StoreError, Upheld, UserStore,
};

pub(super) const ISSUER: &str = "https://login.example";
pub(super) const PASSWORD: &str = "walrus-teapot-lantern";
pub(super) const CODE: &str = "123456";

/// Somebody whom the provider keeps.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) subject: String,
    pub(super) password: String,
    pub(super) is_verified: bool,
    pub(super) is_enabled: bool,
    pub(super) owes: Option<FactorKind>,
    pub(super) organizations: AttestedOrganizations,
    /// The address that tokens name; the name itself where there is none.
    pub(super) email: Option<String>,
}

/// The provider, and how it fails.
pub(super) struct State {
    pub(super) people: HashMap<String, Kept>,
    pub(super) tokens: HashMap<String, String>,
    pub(super) fails: Option<fn() -> StoreError>,
    pub(super) gives_tokens: bool,
    /// Every call by name, with what it was about.
    pub(super) log: Vec<String>,
    drawn: u32,
}

#[derive(Clone)]
pub(super) struct Directory {
    pub(super) state: Arc<Mutex<State>>,
    provider: Arc<Provider>,
}

impl Default for Directory {
    fn default() -> Self {
        let config = UpstreamConfig {
            issuer: Some(ISSUER.to_owned()),
            client_id: "quoin".to_owned(),
            ..UpstreamConfig::default()
        };
        let state = State {
            people: HashMap::new(),
            tokens: HashMap::new(),
            fails: None,
            gives_tokens: true,
            log: Vec::new(),
            drawn: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            provider: Arc::new(config.as_provider(UpstreamKind::Keycloak)),
        }
    }
}

impl Directory {
    pub(super) fn shared(&self) -> Arc<dyn UserStore> {
        Arc::new(self.clone())
    }

    /// Keeps somebody, whose name is their address.
    pub(super) fn keep(&self, name: &str) {
        let kept = Kept {
            subject: format!("subject-of-{name}"),
            password: PASSWORD.to_owned(),
            is_verified: true,
            is_enabled: true,
            owes: None,
            organizations: AttestedOrganizations::default(),
            email: None,
        };
        self.state.lock().unwrap().people.insert(name.to_owned(), kept);
    }

    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Kept)) {
        change(self.state.lock().unwrap().people.get_mut(name).unwrap());
    }

    pub(super) fn fail(&self, how: Option<fn() -> StoreError>) {
        self.state.lock().unwrap().fails = how;
    }

    pub(super) fn count(&self, call: &str) -> usize {
        self.state.lock().unwrap().log.iter().filter(|line| line.starts_with(call)).count()
    }

    fn enter(&self, call: &str) -> Result<std::sync::MutexGuard<'_, State>, StoreError> {
        let mut state = self.state.lock().unwrap();
        state.log.push(call.to_owned());
        match state.fails {
            Some(how) => Err(how()),
            None => Ok(state),
        }
    }
}

impl State {
    fn by_subject(&mut self, subject: &str) -> Result<&mut Kept, StoreError> {
        self.people.values_mut().find(|kept| kept.subject == subject).ok_or(StoreError::NoSuchPerson)
    }

    fn token_for(&mut self, name: &str) -> Option<Secret<String>> {
        self.drawn += 1;
        let token = format!("token-{}", self.drawn);
        self.tokens.insert(token.clone(), name.to_owned());
        self.gives_tokens.then(|| Secret::new(token))
    }

    fn attest(&mut self, name: &str) -> Attestation {
        let kept = self.people[name].clone();
        Attestation {
            attested: attested(name, &kept),
            refresh_token: self.token_for(name),
            organizations: kept.organizations,
        }
    }
}

fn attested(name: &str, kept: &Kept) -> Attested {
    Attested {
        issuer: ISSUER.to_owned(),
        subject: kept.subject.clone(),
        email: Some(kept.email.clone().unwrap_or_else(|| name.to_owned())),
        email_verified: kept.is_verified,
        email_disputed: !kept.is_verified,
        hosted_domain: None,
        organization: None,
        profile: Map::new(),
    }
}

pub(super) fn organization(id: &str, name: &str) -> AttestedOrganization {
    AttestedOrganization { id: id.to_owned(), name: Some(name.to_owned()) }
}

impl UserStore for Directory {
    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn has_organizations(&self) -> bool {
        true
    }

    fn sign_in<'a>(
        &'a self,
        shown: &'a Credentials,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<FirstFactor, StoreError>> {
        Box::pin(async move {
            let mut state = self.enter(&format!("sign_in {}", shown.name))?;
            let kept = state.people.get(&shown.name).cloned().ok_or(StoreError::InvalidCredentials)?;
            if &kept.password != shown.password.expose() || !kept.is_enabled {
                return Err(StoreError::InvalidCredentials);
            }
            Ok(match kept.owes {
                None => FirstFactor::Attested(Box::new(state.attest(&shown.name))),
                Some(kind) => FirstFactor::Owes(Box::new(OwedFactor {
                    kind,
                    attested: Attested { email_verified: false, ..attested(&shown.name, &kept) },
                    state: Secret::new(shown.name.clone()),
                })),
            })
        })
    }

    fn ask<'a>(&'a self, state: &'a Secret<String>) -> BoxFuture<'a, Result<Secret<String>, StoreError>> {
        Box::pin(async move { self.enter("ask").map(|_| state.clone()) })
    }

    fn answer<'a>(
        &'a self,
        state: &'a Secret<String>,
        code: &'a Secret<String>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Attestation, StoreError>> {
        Box::pin(async move {
            let mut people = self.enter("answer")?;
            let is_enabled = people.people.get(state.expose()).is_some_and(|kept| kept.is_enabled);
            if code.expose() != CODE || !is_enabled {
                return Err(StoreError::CodeRefused);
            }
            Ok(people.attest(state.expose()))
        })
    }

    fn refresh<'a>(
        &'a self,
        token: &'a Secret<String>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Upheld, StoreError>> {
        Box::pin(async move {
            // Slow enough for others to come in between.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let mut state = self.enter("refresh")?;
            let ended = || StoreError::Ended("unknown, used or revoked".to_owned());
            let name = state.tokens.remove(token.expose()).ok_or_else(ended)?;
            let kept = state.people.get(&name).cloned().filter(|kept| kept.is_enabled).ok_or_else(ended)?;
            Ok(Upheld { refresh_token: state.token_for(&name), subject: kept.subject })
        })
    }

    fn end<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.enter("end")?;
            state.tokens.remove(token.expose());
            Ok(())
        })
    }

    fn is_enabled<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut state = self.enter("is_enabled")?;
            Ok(state.by_subject(subject).is_ok_and(|kept| kept.is_enabled))
        })
    }

    fn sign_up<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>> {
        Box::pin(async move {
            let name = person.email.to_string();
            if self.enter("sign_up")?.people.contains_key(&name) {
                return Err(StoreError::Exists);
            }
            self.keep(&name);
            self.change(&name, |kept| kept.is_verified = person.email_verified);
            Ok(Registered { subject: format!("subject-of-{name}") })
        })
    }

    fn confirm_sign_up<'a>(
        &'a self,
        name: &'a str,
        code: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.enter("confirm_sign_up")?;
            let kept = state.people.get_mut(name).ok_or(StoreError::NoSuchPerson)?;
            if code.expose() != CODE {
                return Err(StoreError::CodeRefused);
            }
            kept.is_verified = true;
            Ok(())
        })
    }

    fn resend_confirmation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.request_reset(name)
    }

    fn request_reset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let state = self.enter("mail")?;
            state.people.get(name).map(drop).ok_or(StoreError::NoSuchPerson)
        })
    }

    fn confirm_reset<'a>(
        &'a self,
        shown: &'a Credentials,
        code: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.enter("confirm_reset")?;
            let kept = state.people.get_mut(&shown.name).ok_or(StoreError::NoSuchPerson)?;
            if code.expose() != CODE {
                return Err(StoreError::CodeRefused);
            }
            kept.password.clone_from(shown.password.expose());
            Ok(())
        })
    }

    fn change_password<'a>(
        &'a self,
        subject: &'a str,
        change: &'a PasswordChange,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.enter("change_password")?;
            state.by_subject(subject)?.password.clone_from(change.new.expose());
            Ok(())
        })
    }

    fn create<'a>(&'a self, person: &'a NewPerson) -> BoxFuture<'a, Result<Registered, StoreError>> {
        self.sign_up(person)
    }

    fn change<'a>(
        &'a self,
        subject: &'a str,
        changes: &'a PersonChanges,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.enter("change")?;
            let kept = state.by_subject(subject)?;
            kept.is_enabled = changes.is_enabled.unwrap_or(kept.is_enabled);
            if let Some(password) = &changes.password {
                kept.password.clone_from(password.expose());
            }
            Ok(())
        })
    }

    fn delete<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.enter("delete")?;
            state.people.retain(|_, kept| kept.subject != subject);
            Ok(())
        })
    }
}
