//! The SDK's HTTP hook: requests of a real client are answered in the process.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::wire::{Request, Response};
use crate::{Closed, Sandbox, visit};

impl Sandbox {
    /// An HTTP client for the SDK's configuration whose every request is answered by this sandbox.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// The same for whoever visits what was built in it, without the SDK: by the hosts of load balancers and distributions.
    pub fn public(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(Line { sandbox: self.clone(), read_timeout: None })
    }
}

impl HttpClient for Sandbox {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Line { sandbox: self.clone(), read_timeout: settings.read_timeout() })
    }
}

/// A connection as one client has set it up.
#[derive(Clone, Debug)]
struct Line {
    sandbox: Sandbox,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { sandbox, read_timeout } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = received(request).await?;
            let answer = match read_timeout {
                None => sandbox.answer(request).await,
                Some(limit) => tokio::time::timeout(limit, sandbox.answer(request)).await.map_err(|_| timed_out(limit))?,
            };
            sent(answer.map_err(closed)?)
        })
    }
}

/// The two errors that a real connector has for a request without an answer, of the kinds that it gives them.
fn timed_out(limit: Duration) -> ConnectorError {
    ConnectorError::timeout(format!("HTTP read timeout occurred after {limit:?}").into())
}

fn closed(closed: Closed) -> ConnectorError {
    ConnectorError::io(std::io::Error::new(std::io::ErrorKind::ConnectionReset, closed).into())
}

fn sent(answer: Response) -> Result<HttpResponse, ConnectorError> {
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let response = response.body(SdkBody::from(answer.body)).map_err(|e| ConnectorError::other(e.into(), None))?;
    HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
}

async fn received(request: HttpRequest) -> Result<Request, ConnectorError> {
    let method = request.method().to_owned();
    let uri: http::Uri = request.uri().parse().map_err(|e: http::uri::InvalidUri| ConnectorError::user(e.into()))?;
    // S3 puts the bucket into the host name; the sandbox reads it from the path.
    let mut target = uri.path_and_query().map_or("/".to_owned(), ToString::to_string);
    if let Some((bucket, rest)) = uri.host().and_then(|host| host.split_once(".s3."))
        && rest.contains("amazonaws")
    {
        target = format!("/{bucket}{target}");
    }
    let mut headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if let Some(host) = uri.host().filter(|host| visit::is_public(host)) {
        headers.push(("host".to_owned(), host.to_owned()));
        headers.push(("x-forwarded-proto".to_owned(), uri.scheme_str().unwrap_or("http").to_owned()));
    }
    let body = request.into_body();
    let body = http_body_util::BodyExt::collect(body).await.map_err(ConnectorError::user)?.to_bytes().to_vec();
    Ok(Request { method, target, headers, body })
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::http::HttpConnector;
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use tokio::time::Duration;

    use super::Line;
    use crate::{Faults, Sandbox, World};

    async fn asked(faults: &str) -> Result<u16, ConnectorError> {
        let sandbox = Sandbox::with_faults(World::new("us-west-2"), 1.0, Faults::from_toml(faults).unwrap());
        let mut request = HttpRequest::new(SdkBody::from("Action=GetCallerIdentity&Version=2011-06-15"));
        request.set_method("POST").unwrap();
        request.set_uri("https://sts.us-west-2.amazonaws.com/").unwrap();
        let scope = "AWS4-HMAC-SHA256 Credential=SOMEBODY/20260101/us-west-2/sts/aws4_request, Signature=0";
        request.headers_mut().insert("authorization", scope);
        let line = Line { sandbox, read_timeout: Some(Duration::from_secs(10)) };
        line.call(request).await.map(|response| response.status().as_u16())
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_connection_and_a_slow_answer_are_told_apart_as_a_real_connector_tells_them() {
        assert_eq!(asked("").await.unwrap(), 200);
        assert!(asked("calls = [{ on = '*', what = 'lost' }]").await.unwrap_err().is_io());
        assert!(asked("calls = [{ on = '*', what = { slow = 11 } }]").await.unwrap_err().is_timeout());
        assert_eq!(asked("calls = [{ on = '*', what = { slow = 9 } }]").await.unwrap(), 200);
    }
}
