//! The manual provider passes the suite.

use std::sync::Arc;
use std::time::Duration;

use quoin_kernel::port::BoxFuture;

use super::harness::{House, in_house_with};
use crate::adapters::manual::Manual;
use crate::config::ProviderName;
use crate::conformance::{World, run};
use crate::model::Outcome;
use crate::port::Provider;
use crate::{Payments, PaymentsConfig};

impl World for House {
    fn room(&self) -> &Payments {
        &self.room
    }

    fn provider(&self) -> Arc<dyn Provider> {
        self.room.manual().clone()
    }

    fn pay<'a>(&'a self, page: &'a Outcome) -> BoxFuture<'a, String> {
        let invoice = page.id().unwrap().replace("co_", "in_");
        let now = self.now();
        Box::pin(
            async move { self.write(move |tx| Manual::confirm(tx, &invoice, now)).await.unwrap().unwrap() },
        )
    }

    fn bills_use(&self) -> bool {
        false
    }

    fn advance(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.test.clock.advance(time);
        Box::pin(async { self.room.manual().advance(self.now()).await.unwrap() })
    }
}

#[tokio::test]
async fn the_manual_provider_does_what_the_port_says() {
    let config = PaymentsConfig { provider: ProviderName::Manual, ..PaymentsConfig::default() };
    in_house_with(config, |house| async move { run(&house).await }).await;
}
