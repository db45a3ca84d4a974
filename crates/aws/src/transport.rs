//! What lies between the SDK and the wire: calls wait for their turn, none hangs for ever, and an answer that ends in its middle is none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::retry::ErrorKind;
use tokio::time::Instant;

use crate::answer;
use crate::pace::{Operation, Pace};

/// The SDK has no read timeout by default; a hung socket must not hold a run. Its own timeout for an attempt would count the time that a call waits for its turn.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// What a request carries may go out this slowly, and the answer begins only then: files of a site go up over lines of all sorts.
const SLOWEST_BYTES_A_SECOND: u64 = 64 * 1024;

/// Which operation a request is about, put on it by the watch that sees every request.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) service: String,
    pub(crate) name: String,
}

impl Sent {
    fn operation(&self) -> Operation<'_> {
        Operation { service: &self.service, name: &self.name }
    }
}

/// A service that has answered nobody for this long is down, and reading it is given up; until then, every attempt may be the one that gets through.
const DOWN_AFTER: Duration = Duration::from_secs(90);

/// The pace of all clients of one connection, and which services do not answer, on tokio's clock.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    pace: Arc<Pace>,
    silent: Arc<Mutex<BTreeMap<&'static str, Instant>>>,
    start: Instant,
    /// AWS seconds in a second of tokio's clock.
    scale: f64,
}

impl Turns {
    pub(crate) fn new(scale: f64) -> Self {
        Self { pace: Arc::default(), silent: Arc::default(), start: Instant::now(), scale }
    }

    async fn wait(&self, sent: &Sent) {
        let wait = self.pace.reserve(sent.operation(), self.now());
        if wait > 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(wait / self.scale)).await;
        }
    }

    fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * self.scale
    }

    /// Notes whether the service answered; true when it has not for too long.
    fn is_down(&self, service: &'static str, answered: bool) -> bool {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            silent.remove(service);
            return false;
        }
        silent.entry(service).or_insert_with(Instant::now).elapsed() > DOWN_AFTER
    }
}

/// The client that the SDK would use by itself, in its turn.
pub(crate) fn over_the_wire(turns: Turns) -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    });
    in_turn(client, turns)
}

/// To what is not AWS's API: no turn to wait for. TLS is checked as ever.
pub(crate) fn to_anywhere() -> SharedHttpConnector {
    let builder = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    SharedHttpConnector::new(builder.proxy_config(ProxyConfig::from_env()).build())
}

pub(crate) fn in_turn(client: SharedHttpClient, turns: Turns) -> SharedHttpClient {
    SharedHttpClient::new(InTurn { inner: client, turns })
}

#[derive(Debug)]
struct InTurn<T> {
    inner: T,
    turns: Turns,
}

impl HttpClient for InTurn<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(InTurn { inner, turns: self.turns.clone() })
    }
}

impl HttpConnector for InTurn<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, turns) = (self.inner.clone(), self.turns.clone());
        HttpConnectorFuture::new(async move {
            if let Some(sent) = request.extension::<Sent>() {
                turns.wait(sent).await;
            }
            let carries = request.body().content_length().unwrap_or(0);
            let limit = ANSWER_TIMEOUT + Duration::from_secs(carries / SLOWEST_BYTES_A_SECOND);
            let late = |_| ConnectorError::timeout(format!("no answer within {} s", limit.as_secs()).into());
            let answer = async { answer::whole(inner.call(request).await?).await };
            tokio::time::timeout(limit, answer).await.map_err(late)?
        })
    }
}

/// Listens to what the SDK makes of every answer: a throttle slows the service, and silence for too long ends the attempts.
#[derive(Debug)]
pub(crate) struct Judge {
    pub(crate) turns: Turns,
    pub(crate) service: &'static str,
}

impl ClassifyRetry for Judge {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, so_far: &RetryAction) -> RetryAction {
        let kind = match so_far {
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind, .. }) => Some(*kind),
            _ => None,
        };
        if kind == Some(ErrorKind::ThrottlingError) {
            self.turns.pace.throttled(self.service, self.turns.now());
        }
        let answered = !matches!(kind, Some(ErrorKind::TransientError | ErrorKind::ServerError));
        let down = self.turns.is_down(self.service, answered);
        if down { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "landing::Judge"
    }

    /// After all of the SDK's own, whose verdict it wants to hear.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
