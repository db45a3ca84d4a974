//! The sandbox as a server, for every AWS client that can be given an endpoint.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::wire::Request;
use crate::{Closed, Sandbox};

/// Where whoever judges the sandbox reads the calls that it has answered, as JSON; no signed request has such a path.
const CALLS: &str = "/_sandbox/calls";

/// Answers connections until the task is dropped.
///
/// # Errors
/// When the listener cannot accept.
pub async fn serve(sandbox: Sandbox, listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let sandbox = sandbox.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(sandbox.clone(), request));
            let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            if let Err(error) = served {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}

/// An error makes hyper drop the connection at once, without a byte to the client.
async fn answer(sandbox: Sandbox, request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, Closed> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|collected| collected.to_bytes().to_vec()).unwrap_or_default();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = Request {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or("/".to_owned(), ToString::to_string),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
    };
    if parts.method == hyper::Method::GET && request.target == CALLS {
        let calls = sandbox.with_world(|world| serde_json::to_vec(&world.calls)).unwrap_or_default();
        return Ok(hyper::Response::new(Full::new(Bytes::from(calls))));
    }
    let answer = sandbox.answer(request).await?;
    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from(answer.body))).unwrap_or_else(|_| hyper::Response::new(Full::default())))
}
