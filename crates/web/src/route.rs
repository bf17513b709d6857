//! Operations: one declaration routes a handler, documents it, and says whom it lets in.

mod serve;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::app::App;
use crate::config::{DEFAULT_BODY_LIMIT_BYTES, DEFAULT_TIMEOUT};
use crate::context::Guarded;
use crate::doorkeeper::Who;
use crate::metrics::OperationMetrics;
use crate::rate_limit::IpLimit;

/// Rooms whose operations never count as calls of the API: whoever has used them up must still be able to sign in, to
/// switch to another organisation, and to buy more; and whoever runs the instance looks after it uncounted.
const UNCOUNTED_ROOMS: &[&str] =
    &["audit", "identity", "jobs", "mail", "payments", "server", "stripe_twin", "tenancy", "web"];

/// Writes the schema of a type into a document.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Declares one operation: where it is, what it takes and gives, and whom it lets in.
#[derive(Debug)]
pub struct Operation {
    /// The HTTP method.
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// The id, `room.noun.verb`.
    pub id: &'static str,
    /// Whom it lets in.
    pub who: Who,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) body: Option<SchemaOf>,
    pub(crate) takes_form: bool,
    pub(crate) query: Option<SchemaOf>,
    pub(crate) params: Vec<(&'static str, &'static str)>,
    pub(crate) answers: Vec<(u16, Option<SchemaOf>)>,
    pub(crate) aliases: Vec<&'static str>,
    pub(crate) body_limit_bytes: usize,
    pub(crate) timeout: Duration,
    pub(crate) documented: bool,
    pub(crate) idempotent: bool,
    pub(crate) ip_limit: Option<IpLimit>,
    pub(crate) metrics: OperationMetrics,
}

/// Declares the constructor of each method.
macro_rules! methods {
    ($($name:ident => $method:ident;)*) => {$(
        #[doc = concat!("Declares a ", stringify!($method), " operation.")]
        pub fn $name(path: &'static str, id: &'static str) -> Self {
            Self::new(Method::$method, path, id)
        }
    )*};
}

impl Operation {
    methods! { get => GET; head => HEAD; post => POST; put => PUT; patch => PATCH; delete => DELETE; options => OPTIONS; }

    fn new(method: Method, path: &'static str, id: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            who: Who::Unidentified,
            summary: "",
            description: "",
            body: None,
            takes_form: false,
            query: None,
            params: Vec::new(),
            answers: Vec::new(),
            aliases: Vec::new(),
            body_limit_bytes: DEFAULT_BODY_LIMIT_BYTES,
            timeout: DEFAULT_TIMEOUT,
            documented: true,
            idempotent: false,
            ip_limit: None,
            metrics: OperationMetrics::default(),
        }
    }

    /// Says in one third-person sentence what it does.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Says more: states, limits, what to do next.
    #[must_use]
    pub fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Says whom it lets in. The handler's `Ctx` must say the same.
    #[must_use]
    pub fn caller(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// Says which JSON body it takes.
    #[must_use]
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Says which body it takes, as JSON or as a form.
    #[must_use]
    pub fn takes_form<T: JsonSchema>(mut self) -> Self {
        self.takes_form = true;
        self.takes::<T>()
    }

    /// Says what a path parameter is; without it, `org_id` is "The id of the org."
    #[must_use]
    pub fn param(mut self, name: &'static str, about: &'static str) -> Self {
        self.params.push((name, about));
        self
    }

    /// Says which query parameters it takes: the properties of `T`.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Says which body it gives with a status.
    #[must_use]
    pub fn gives<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answers.push((status, Some(SchemaGenerator::subschema_for::<T>)));
        self
    }

    /// Says that it gives a status without a body of known shape.
    #[must_use]
    pub fn gives_nothing(mut self, status: u16) -> Self {
        self.answers.push((status, None));
        self
    }

    /// Lets the same handler answer at another path too. Aliases are not documented.
    #[must_use]
    pub fn alias(mut self, path: &'static str) -> Self {
        self.aliases.push(path);
        self
    }

    /// Sets how large a body may be, in bytes; 1 MiB by default.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit_bytes = bytes;
        self
    }

    /// Sets how long it may take; 30 s by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Leaves it out of the document: pages, and what is there for machines of ours.
    #[must_use]
    pub fn undocumented(mut self) -> Self {
        self.documented = false;
        self
    }

    /// Honours `Idempotency-Key`: the first answer is replayed for 24 hours.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Limits how often one address may call it.
    #[must_use]
    pub fn limit_per_ip(mut self, limit: IpLimit) -> Self {
        self.ip_limit = Some(limit);
        self
    }

    /// Tells whether a call of it counts against what a plan allows.
    pub(crate) fn is_counted(&self) -> bool {
        !UNCOUNTED_ROOMS.contains(&self.id.split('.').next().unwrap_or_default())
    }

    /// Tells whether it is part of the document.
    pub fn is_documented(&self) -> bool {
        self.documented
    }

    /// Returns the further paths at which it answers.
    pub fn aliases(&self) -> &[&'static str] {
        &self.aliases
    }
}

/// The operations of a room, routed.
#[derive(Debug, Default)]
pub struct Routes {
    pub(crate) router: Router,
    pub(crate) operations: Vec<Arc<Operation>>,
}

/// Collects operations whose handlers share the state `S`.
pub struct RoutesFor<S> {
    state: S,
    app: App,
    router: Router<S>,
    operations: Vec<Arc<Operation>>,
}

impl Routes {
    /// Starts a room's operations with the state of its handlers.
    #[expect(
        clippy::new_ret_no_self,
        reason = "the state's type is known while collecting and gone afterwards"
    )]
    pub fn new<S: Clone + Send + Sync + 'static>(state: S) -> RoutesFor<S>
    where
        App: FromRef<S>,
    {
        RoutesFor { app: App::from_ref(&state), state, router: Router::new(), operations: Vec::new() }
    }

    /// Joins several rooms' operations.
    ///
    /// # Panics
    /// Where two operations have the same method and path.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    /// Returns every operation, in the order of declaration.
    pub fn operations(&self) -> &[Arc<Operation>] {
        &self.operations
    }
}

impl<S: Clone + Send + Sync + 'static> RoutesFor<S> {
    /// Adds an operation and the handler that serves it.
    ///
    /// # Panics
    /// At start, where the operation names another caller than the handler's `Ctx`, or an operation is there already.
    #[must_use]
    pub fn add<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        T: Guarded,
        H: Handler<T, S>,
    {
        let id = operation.id;
        assert!(
            operation.who == T::WHO,
            "{id} declares {:?}, but its handler admits {:?}",
            operation.who,
            T::WHO
        );
        let method = MethodFilter::try_from(operation.method.clone())
            .expect("the constructors know these methods only");
        let operation = Arc::new(operation);
        let served = serve::Served::new(&operation, &self.app, handler);
        for path in std::iter::once(&operation.path).chain(&operation.aliases) {
            self.router = self.router.route(path, on(method, served.clone()));
        }
        self.operations.push(operation);
        self
    }

    /// Ends the collection.
    pub fn done(self) -> Routes {
        Routes { router: self.router.with_state(self.state), operations: self.operations }
    }
}
