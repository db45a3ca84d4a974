//! The SDK's HTTP hook: requests of a real client are answered in the process.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::Sandbox;
use crate::wire::Request;

impl Sandbox {
    /// An HTTP client for the SDK's configuration whose every request is answered by this sandbox.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }
}

impl HttpClient for Sandbox {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Sandbox {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sandbox = self.clone();
        HttpConnectorFuture::new(async move {
            let request = received(request).await?;
            // A real connector reports a connection that ends under a request like this.
            let answer = sandbox
                .answer(request)
                .await
                .map_err(|closed| ConnectorError::io(std::io::Error::new(std::io::ErrorKind::ConnectionReset, closed).into()))?;
            let mut response = http::Response::builder().status(answer.status);
            for (name, value) in &answer.headers {
                response = response.header(name, value);
            }
            let response = response.body(SdkBody::from(answer.body)).map_err(|e| ConnectorError::other(e.into(), None))?;
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
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
    let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = request.into_body();
    let body = http_body_util::BodyExt::collect(body).await.map_err(ConnectorError::user)?.to_bytes().to_vec();
    Ok(Request { method, target, headers, body })
}
