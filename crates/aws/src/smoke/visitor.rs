//! Somebody from the internet: how the addresses of load balancers and distributions are reached, on AWS and on a sandbox of `landing`, where none of them exists in
//! any name server.
//!
//! A sandbox in the process is handed the request as it is. One behind an endpoint gets it at its own address, with the visited host in `Host` and the scheme in
//! `X-Forwarded-Proto`, as a proxy would pass it on. That the endpoint is such a sandbox it says in every answer.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::{self, Answer};
use crate::errors::chain;

/// Of one question; a load balancer gives up on its targets after a minute.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const CONNECTION_WITHIN: Duration = Duration::from_secs(5);

/// Where a sandbox says whether a port is open: `/_sandbox/tcp/HOST/PORT`.
const TCP: &str = "/_sandbox/tcp";
/// Of a sandbox in the process, which has no address.
const IN_PROCESS: &str = "http://sandbox.invalid";

#[derive(Debug)]
pub(crate) struct Visitor {
    connector: SharedHttpConnector,
    in_process: bool,
    /// Of a sandbox that is served.
    sandbox: Option<String>,
}

impl Visitor {
    pub(crate) fn in_process(connector: SharedHttpConnector) -> Self {
        Self { connector, in_process: true, sandbox: None }
    }

    /// `sandbox` is where one is served, when that is who answers.
    pub(crate) fn over_the_wire(connector: SharedHttpConnector, sandbox: Option<&str>) -> Self {
        Self { connector, in_process: false, sandbox: sandbox.map(|url| url.trim_end_matches('/').to_owned()) }
    }

    /// What answers at an address of the application, with the body where it is wanted.
    ///
    /// # Errors
    /// Why nobody did.
    pub(super) async fn get(&self, url: &str, body: bool) -> Result<Answer, String> {
        let Some(endpoint) = &self.sandbox else { return self.send(url, &[], body).await };
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        self.send(&format!("{endpoint}/{path}"), &[("host", host), ("x-forwarded-proto", scheme)], body).await
    }

    /// Whether a connection can be made.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) async fn connects(&self, host: &str, port: u16) -> Result<(), String> {
        if self.in_process || self.sandbox.is_some() {
            let at = self.sandbox.as_deref().unwrap_or(IN_PROCESS);
            let answer = self.send(&format!("{at}{TCP}/{host}/{port}"), &[], true).await?;
            return if answer.status == 200 { Ok(()) } else { Err(answer.body.trim().to_owned()) };
        }
        match timeout(CONNECTION_WITHIN, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no connection within {} s", CONNECTION_WITHIN.as_secs())),
        }
    }

    async fn send(&self, url: &str, headers: &[(&'static str, &str)], body: bool) -> Result<Answer, String> {
        let mut request = HttpRequest::new(SdkBody::empty());
        let wrong = |error: &dyn std::fmt::Display| format!("{url} cannot be asked for: {error}");
        request.set_method("GET").map_err(|error| wrong(&error))?;
        request.set_uri(url).map_err(|error| wrong(&error))?;
        request.headers_mut().insert("user-agent", concat!("landing-smoke/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert("accept", "*/*");
        for (name, value) in headers {
            request.headers_mut().try_insert(*name, (*value).to_owned()).map_err(|error| wrong(&error))?;
        }
        let asked = async {
            let response: HttpResponse = self.connector.call(request).await.map_err(|error| chain(&error))?;
            Ok(answer::read(response, body).await)
        };
        let late = |_| format!("nothing within {} s", ANSWER_WITHIN.as_secs());
        timeout(ANSWER_WITHIN, asked).await.map_err(late)?
    }
}
