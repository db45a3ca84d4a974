//! What somebody meets who visits what was built: the addresses of load balancers and distributions, and whether a port is open.
//!
//! A visit is told by its `Host` and carries no signature; the scheme is in `X-Forwarded-Proto`, `http` where nothing is said. It changes nothing and is in no call log.
//! No name server knows these hosts: who visits must send the request here.

mod balancer;
mod distribution;
mod function;
pub(crate) mod pattern;
#[cfg(test)]
mod stories;

use crate::clock::Millis;
use crate::wire::{Request, Response};
use crate::world::World;
use crate::{Closed, Sandbox, latency};

/// `/_sandbox/tcp/HOST/PORT`: whether a connection could be made.
const TCP: &str = "/_sandbox/tcp/";

/// A request of somebody who sees the application and not the API.
#[derive(Clone, Debug)]
pub(crate) struct Visit<'r> {
    host: String,
    secure: bool,
    method: &'r str,
    /// Without the query.
    path: &'r str,
    /// Path and query.
    target: &'r str,
}

impl<'r> Visit<'r> {
    fn of(request: &'r Request) -> Option<Self> {
        let host = request.header("host")?.split(':').next()?.to_ascii_lowercase();
        let secure = request.header("x-forwarded-proto") == Some("https");
        let path = request.target.split('?').next().unwrap_or_default();
        is_public(&host).then_some(Self { host, secure, method: &request.method, path, target: &request.target })
    }
}

/// Whether it is the host of a load balancer or a distribution.
pub(crate) fn is_public(host: &str) -> bool {
    let is_balancer = host.ends_with(".elb.amazonaws.com") || (host.contains(".elb.") && host.ends_with(".amazonaws.com"));
    is_balancer || host.ends_with(".cloudfront.net")
}

impl Sandbox {
    /// The answer to what is no call of the API; `None` when it is one.
    pub(crate) async fn visited(&self, request: &Request) -> Option<Result<Response, Closed>> {
        let port = request.target.strip_prefix(TCP).filter(|_| request.method == "GET");
        let visit = Visit::of(request);
        if port.is_none() && visit.is_none() {
            return None;
        }
        let takes: Millis = self.with_world(|world| latency::API_CALL.of(world, &request.target));
        self.clock.sleep(takes).await;
        Some(self.with_world(|world| match (port, visit) {
            (Some(port), _) => Ok(open(world, port)),
            (None, Some(visit)) if visit.host.ends_with(".cloudfront.net") => distribution::answer(world, &visit),
            (None, Some(visit)) => balancer::answer(world, &visit, balancer::From::Internet),
            (None, None) => Err(Closed),
        }))
    }
}

/// Whether the port of a host is open.
fn open(world: &World, asked: &str) -> Response {
    let place = asked.rsplit_once('/').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    match place.map(|(host, port)| balancer::connects(world, host, port)) {
        Some(Ok(())) => text(200, "open"),
        Some(Err(why)) => text(502, why),
        None => text(400, "/_sandbox/tcp/HOST/PORT"),
    }
}

fn text(status: u16, body: &str) -> Response {
    Response { status, headers: vec![("content-type".into(), "text/plain; charset=utf-8".into())], body: body.into() }
}
