//! An answer whose end is missing is no answer.
//!
//! A connection that breaks off is an error by itself. But something between us and AWS may close it properly in the middle of a body, and the SDK's XML
//! readers take what came for all there is: a list without its last items, an object without its last fields. That would be read as absence.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde::de::IgnoredAny;

/// The answer, when its body is all there. Bodies that are neither AWS's XML nor its JSON are left to the length that their headers give.
pub(crate) async fn whole(mut answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let Some(is_whole) = answer.headers().get("content-type").and_then(judge) else { return Ok(answer) };
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    let body = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    if !is_whole(&body) {
        return Err(ConnectorError::io(format!("the answer ends in its middle, after {} bytes", body.len()).into()));
    }
    *answer.body_mut() = SdkBody::from(body);
    Ok(answer)
}

fn judge(content_type: &str) -> Option<fn(&[u8]) -> bool> {
    match content_type {
        text if text.contains("xml") => Some(is_whole_xml),
        text if text.contains("x-amz-json") => Some(is_whole_json),
        _ => None,
    }
}

/// Answers that say nothing have no body.
fn is_whole_json(body: &[u8]) -> bool {
    body.is_empty() || serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Whether the outermost element is closed at the very end.
fn is_whole_xml(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let text = text.trim();
    // What is no XML at all is left to the SDK: moto calls its echo of a bucket's policy XML.
    if !text.starts_with('<') {
        return true;
    }
    // Past `<?xml …?>` and comments.
    let outermost = text.match_indices('<').map(|(at, _)| &text[at + 1..]).find(|rest| !rest.starts_with(['?', '!']));
    let Some(outermost) = outermost else { return false };
    let name = outermost.split(|c: char| c.is_whitespace() || c == '/' || c == '>').next().unwrap_or_default();
    let alone = outermost.strip_suffix("/>").is_some_and(|tag| !tag.contains('>'));
    alone || text.ends_with(&format!("</{name}>"))
}

#[cfg(test)]
mod tests {
    use super::{is_whole_json, is_whole_xml};

    #[test]
    fn every_beginning_of_an_answer_that_is_not_all_of_it_is_torn() {
        let list = r#"<?xml version="1.0" encoding="UTF-8"?>
            <!-- AWS --> <DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>"#;
        assert!(is_whole_xml(list.as_bytes()) && is_whole_xml(format!("{list}\n").as_bytes()));
        assert!((1..list.len()).all(|end| !is_whole_xml(&list.as_bytes()[..end])));
        let answer = r#"{"clusters":[{"name":"a"}],"failures":[]}"#;
        assert!(is_whole_json(answer.as_bytes()));
        assert!((1..answer.len()).all(|end| !is_whole_json(&answer.as_bytes()[..end])));
    }

    #[test]
    fn an_answer_without_a_body_or_with_one_element_is_whole() {
        assert!(is_whole_xml(b"") && is_whole_json(b"") && is_whole_xml(b"<Answer/>") && is_whole_xml(b"<A xmlns='x' />"));
        assert!(!is_whole_xml(b"<A><B/>") && is_whole_xml(b"{}"));
    }
}
