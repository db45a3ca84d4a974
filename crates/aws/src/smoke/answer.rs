//! An answer over HTTP: what of it is looked at.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// As much of a body as is looked at; the rest is not read.
const LONGEST_BODY: usize = 1 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) server: String,
    pub(super) content_type: String,
    pub(super) location: Option<String>,
    pub(super) body: String,
}

/// With its body only where that is `wanted`: some bodies never end. One that breaks off is as long as it is.
pub(super) async fn read(mut response: HttpResponse, wanted: bool) -> Answer {
    let header = |name: &str| response.headers().get(name).map(str::to_owned);
    let (server, content_type, location) = (header("server"), header("content-type"), header("location"));
    let mut body = ByteStream::new(std::mem::replace(response.body_mut(), SdkBody::taken()));
    let mut bytes = Vec::new();
    while wanted && bytes.len() < LONGEST_BODY {
        let Some(Ok(part)) = body.next().await else { break };
        bytes.extend_from_slice(&part);
    }
    Answer {
        status: response.status().as_u16(),
        server: server.unwrap_or_default(),
        content_type: content_type.unwrap_or_default(),
        location,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
