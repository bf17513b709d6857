//! The port through which `tenancy` switches the active organisation.

use quoin_kernel::port::{BoxFuture, Origin, SessionIssuer};
use quoin_kernel::{OrgId, Problem, UserCaller};
use serde_json::Value;

use super::out::SessionOut;
use crate::Identity;
use crate::service;

impl SessionIssuer for Identity {
    fn switch<'a>(
        &'a self,
        caller: &'a UserCaller,
        org_id: OrgId,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Value, Problem>> {
        Box::pin(async move {
            let issued = service::switch_org(self, caller, org_id, origin).await?;
            serde_json::to_value(SessionOut::from(issued)).map_err(Problem::internal)
        })
    }
}
