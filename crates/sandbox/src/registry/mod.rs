//! The registry of the sandbox's ECR: docker, podman and buildah push into the world.
//!
//! The part of the OCI distribution specification that a push and a pull need: blobs by `POST`, `PATCH` and `PUT`, manifests by tag and digest, Basic auth with
//! the login that `GetAuthorizationToken` gives. Manifests become images of the world; layers lie in a folder that goes when the registry closes, so a
//! world that was saved knows its images and not their bytes. A push into a repository that is not there is refused, as ECR does.
//! Left out: mounting blobs across repositories, deleting (ECR has calls for it), referrers.
//!
//! Source: OCI Distribution Specification 1.1, "Pushing blobs", "Pushing manifests", "Error codes".

mod blobs;
mod manifests;
#[cfg(test)]
mod stories;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::Sandbox;
use crate::services::ecr::LOGIN;
use blobs::Blobs;

type Request = hyper::Request<Incoming>;
type Response = hyper::Response<Full<Bytes>>;

/// Opens the registry of this sandbox's ECR: from now on `GetAuthorizationToken` names it. What comes back answers connections until it is dropped; layers lie in
/// `folder`, which is the caller's to remove.
///
/// # Errors
/// When the listener cannot tell its address; later, when it cannot accept.
pub fn serve_registry(
    sandbox: Sandbox,
    listener: TcpListener,
    folder: &Path,
) -> std::io::Result<impl Future<Output = std::io::Result<()>> + Send + 'static> {
    let address = listener.local_addr()?;
    let registry = Arc::new(Registry { sandbox, blobs: Blobs::new(folder) });
    registry.sandbox.with_world(|world| world.registry = Some(format!("http://{address}")));
    Ok(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            let registry = registry.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(registry.clone(), request));
                let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                if let Err(error) = served {
                    tracing::debug!(%error, "connection ended");
                }
            });
        }
    })
}

struct Registry {
    sandbox: Sandbox,
    blobs: Blobs,
}

/// What a path asks for. A repository's name may have slashes in it.
enum Place<'a> {
    Base,
    Uploads { name: &'a str },
    Upload { name: &'a str, id: &'a str },
    Blob { name: &'a str, digest: &'a str },
    Manifest { name: &'a str, reference: &'a str },
    Tags { name: &'a str },
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/v2")?.trim_start_matches('/');
        if rest.is_empty() {
            return Some(Self::Base);
        }
        if let Some((name, id)) = rest.rsplit_once("/blobs/uploads/") {
            return Some(if id.is_empty() { Self::Uploads { name } } else { Self::Upload { name, id } });
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads") {
            return Some(Self::Uploads { name });
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Some(Self::Tags { name });
        }
        let blob = rest.rsplit_once("/blobs/").map(|(name, digest)| Self::Blob { name, digest });
        blob.or_else(|| rest.rsplit_once("/manifests/").map(|(name, reference)| Self::Manifest { name, reference }))
    }
}

async fn answer(registry: Arc<Registry>, request: Request) -> Result<Response, std::io::Error> {
    if !is_known(&request) {
        let mut refusal = refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required");
        let realm = hyper::header::HeaderValue::from_static("Basic realm=\"sandbox\",service=\"ecr.amazonaws.com\"");
        refusal.headers_mut().insert("www-authenticate", realm);
        return Ok(refusal);
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let unsupported = || Ok(refused(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "The operation is unsupported."));
    let Some(place) = Place::of(&path) else { return Ok(refused(StatusCode::NOT_FOUND, "NAME_INVALID", "no such path")) };
    let name = match place {
        Place::Base => return Ok(reply(StatusCode::OK, &[("docker-distribution-api-version", "registry/2.0")], Bytes::new())),
        Place::Uploads { name }
        | Place::Upload { name, .. }
        | Place::Blob { name, .. }
        | Place::Manifest { name, .. }
        | Place::Tags { name } => name,
    };
    if let Some(refusal) = registry.missing(name) {
        return Ok(refusal);
    }
    match (method, place) {
        (Method::POST, Place::Uploads { name }) => registry.blobs.begin(name, request).await,
        (Method::PATCH, Place::Upload { name, id }) => registry.blobs.append(name, id, request).await,
        (Method::PUT, Place::Upload { name, id }) => registry.blobs.finish(name, id, request).await,
        (Method::GET, Place::Upload { name, id }) => Ok(registry.blobs.progress(name, id)),
        (method @ (Method::HEAD | Method::GET), Place::Blob { name, digest }) => {
            registry.blobs.read(name, digest, method == Method::HEAD)
        }
        (Method::PUT, Place::Manifest { name, reference }) => registry.put_manifest(name, reference, request).await,
        (method @ (Method::HEAD | Method::GET), Place::Manifest { name, reference }) => {
            Ok(registry.read_manifest(name, reference, method == Method::HEAD))
        }
        (Method::GET, Place::Tags { name }) => Ok(registry.tags(name)),
        _ => unsupported(),
    }
}

/// Whoever has the login of `GetAuthorizationToken`.
fn is_known(request: &Request) -> bool {
    let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given == format!("Basic {}", STANDARD.encode(LOGIN)))
}

fn reply(status: StatusCode, headers: &[(&str, &str)], body: Bytes) -> Response {
    let mut response = hyper::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::new(body)).unwrap_or_else(|_| hyper::Response::new(Full::default()))
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "code": code, "message": message }] }).to_string();
    reply(status, &[("content-type", "application/json")], Bytes::from(body))
}

impl Registry {
    /// ECR makes no repository by a push.
    fn missing(&self, name: &str) -> Option<Response> {
        self.sandbox.with_world(|world| {
            let account = &world.account;
            let message = format!("The repository with name '{name}' does not exist in the registry with id '{account}'");
            (!world.ecr.repositories.contains_key(name)).then(|| refused(StatusCode::NOT_FOUND, "NAME_UNKNOWN", &message))
        })
    }
}
