//! `quoin stripe-twin`: the twin of Stripe alone, and its levers.

use clap::Subcommand;
use http::Method;
use quoin_web::outbound::{Outbound, OutboundConfig, OutboundRequest};
use serde_json::{Map, Value};
use url::Url;

use super::print;
use crate::settings::Settings;

/// What to do with the twin; without a word, serve it alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Served alone: where every event goes; the secret it is signed with is printed
    #[arg(long, value_name = "URL")]
    forward_to: Option<Url>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an event happen on a running twin, with everything it needs
    Trigger {
        /// For example customer.subscription.updated
        event: String,
    },
    /// Turn the chaos knob of a running twin, or show it
    Chaos {
        /// For example duplicate=50 delay=100 delay_ms=500, or reset=1
        #[arg(value_name = "NAME=VALUE")]
        knobs: Vec<String>,
    },
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, arguments: Arguments, json: bool) -> Result<(), String> {
    let (path, body) = match arguments.command {
        None => {
            let served = crate::stripe_twin::serve_alone(settings, arguments.forward_to.as_ref());
            return served.map_err(|error| error.to_string());
        }
        Some(Command::Trigger { event }) => ("/_twin/trigger", Some(one("event", event))),
        Some(Command::Chaos { knobs }) if knobs.is_empty() => ("/_twin/chaos", None),
        Some(Command::Chaos { knobs }) => ("/_twin/chaos", Some(pairs(&knobs)?)),
    };
    let answer = ask(settings, path, body)?;
    let lines: Vec<String> = match &answer["events"] {
        Value::Array(events) => events.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => answer
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name:16} {value}"))
            .collect(),
    };
    print(json, &answer, &lines);
    Ok(())
}

fn one(name: &str, value: String) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), Value::from(value))]))
}

fn pairs(knobs: &[String]) -> Result<Value, String> {
    let pair = |knob: &String| {
        let (name, value) = knob.split_once('=').ok_or_else(|| format!("{knob}: write NAME=VALUE"))?;
        Ok((name.to_owned(), Value::from(value)))
    };
    knobs.iter().map(pair).collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

/// Asks a running twin, alone or in a server, at the address of the settings.
fn ask(settings: &Settings, path: &str, body: Option<Value>) -> Result<Value, String> {
    let base = settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
    let url: Url =
        format!("{}{path}", base.trim_end_matches('/')).parse().map_err(|_| format!("{base} is no URL"))?;
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = OutboundRequest::new(method, url);
    request.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    request.body = body.map(|body| body.to_string()).unwrap_or_default().into();
    let answer = super::webhooks::send(request)?;
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status.is_success() {
        return Ok(document);
    }
    let message = document["error"]["message"].as_str().map(str::to_owned);
    Err(message.unwrap_or_else(|| format!("{base} answered {}: is the twin running there?", answer.status)))
}

/// Makes a client that reaches this machine and its networks, as a developer's tools must.
pub(super) fn client() -> Outbound {
    let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok());
    Outbound::new(&OutboundConfig { allowed_networks: everywhere.collect(), ..OutboundConfig::default() })
}
