//! What stands in DNS: the port `Records` of `tenancy`, over the `hickory-resolver` crate.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;
use quoin_tenancy::Records;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Asks name servers. Nothing is remembered: whoever has just added a record wants it seen.
pub struct NameServers {
    servers: Vec<SocketAddr>,
    /// Made at the first question, because it reads the system's configuration.
    resolver: OnceLock<TokioResolver>,
}

impl NameServers {
    /// Asks these servers; the system's where none are named.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, resolver: OnceLock::new() }
    }

    fn resolver(&self) -> Result<&TokioResolver, NetError> {
        if let Some(resolver) = self.resolver.get() {
            return Ok(resolver);
        }
        let mut builder = self.builder()?;
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = TIMEOUT / 2;
        options.attempts = 1;
        let made = builder.build()?;
        Ok(self.resolver.get_or_init(|| made))
    }

    fn builder(&self) -> Result<ResolverBuilder<TokioRuntimeProvider>, NetError> {
        if self.servers.is_empty() {
            return TokioResolver::builder_tokio();
        }
        let servers = self.servers.iter().map(|address| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = address.port();
            }
            NameServerConfig::new(address.ip(), true, connections)
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
    }
}

impl Records for NameServers {
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Problem>> {
        Box::pin(async move {
            let resolver = self.resolver().map_err(|error| unavailable().source(error))?;
            // The dot keeps the search list of the machine out of it.
            let asked = tokio::time::timeout(TIMEOUT, resolver.txt_lookup(format!("{name}.")));
            let found = match asked.await.map_err(|_| unavailable())? {
                Ok(found) => found,
                Err(error) if is_nothing(&error) => return Ok(Vec::new()),
                Err(error) => return Err(unavailable().source(error)),
            };
            let texts = found.answers().iter().filter_map(|record| match &record.data {
                RData::TXT(txt) => Some(txt.txt_data.concat()),
                _ => None,
            });
            // A long text stands in several pieces; what is no UTF-8 is nobody's proof.
            Ok(texts.filter_map(|text| String::from_utf8(text).ok()).collect())
        })
    }
}

/// Tells an answer that says there is nothing from a server that could not answer.
fn is_nothing(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
        }
        _ => false,
    }
}

fn unavailable() -> Problem {
    Problem::unavailable("dns_unavailable", "DNS cannot be asked now; try again", 5)
}
