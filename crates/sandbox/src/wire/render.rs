//! Answers and refusals in the caller's protocol.

use serde_json::json;

use super::{Protocol, Reply, Response, Service, xml};
use crate::call::Call;
use crate::fault::Fault;

pub(crate) fn render(service: &Service, call: &Call, reply: Reply, request_id: &str) -> Response {
    let mut headers = reply.headers;
    headers.push(("x-amzn-requestid".into(), request_id.to_owned()));
    if let Some(raw) = reply.raw {
        headers.push(("x-amz-request-id".into(), request_id.to_owned()));
        return Response { status: reply.status, headers, body: raw };
    }
    let namespace = service.namespace;
    let (content_type, body) = match service.protocol {
        Protocol::Json => ("application/x-amz-json-1.1", reply.body.to_string()),
        Protocol::RestJson => ("application/json", reply.body.to_string()),
        Protocol::Ec2 => {
            let mut text = format!("<{}Response xmlns=\"{namespace}\"><requestId>{request_id}</requestId>", call.operation);
            xml::write(&reply.body, "item", &mut text);
            text.push_str(&format!("</{}Response>", call.operation));
            ("text/xml", text)
        }
        Protocol::Query => {
            let name = &call.operation;
            let mut text = format!("<{name}Response xmlns=\"{namespace}\">");
            xml::element(&format!("{name}Result"), &reply.body, "member", &mut text);
            text.push_str(&format!("<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"));
            ("text/xml", text)
        }
        Protocol::RestXml => {
            let root = reply.root.unwrap_or("Result");
            let mut text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><{root} xmlns=\"{namespace}\">");
            xml::write(&reply.body, "member", &mut text);
            text.push_str(&format!("</{root}>"));
            ("application/xml", text)
        }
    };
    headers.push(("content-type".into(), content_type.into()));
    Response { status: reply.status, headers, body: body.into_bytes() }
}

pub(crate) fn render_fault(service: &Service, call: &Call, fault: &Fault, request_id: &str) -> Response {
    let (code, message) = (xml::escape(&fault.code), xml::escape(&fault.message));
    let mut headers = vec![("x-amzn-requestid".to_owned(), request_id.to_owned())];
    let body = match service.protocol {
        Protocol::Json => {
            headers.push(("x-amzn-errortype".into(), fault.code.clone()));
            json!({ "__type": fault.code, "message": fault.message, "Message": fault.message }).to_string()
        }
        Protocol::RestJson => {
            headers.push(("x-amzn-errortype".into(), fault.code.clone()));
            json!({ "ErrorCode": fault.code, "Message": fault.message }).to_string()
        }
        Protocol::Ec2 => format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
        ),
        Protocol::Query => format!(
            "<ErrorResponse xmlns=\"{}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            service.namespace
        ),
        Protocol::RestXml if service.name == "s3" => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
        ),
        Protocol::RestXml => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ErrorResponse xmlns=\"{}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            service.namespace
        ),
    };
    let content_type = match service.protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        _ => "application/xml",
    };
    headers.push(("content-type".into(), content_type.into()));
    // An answer to HEAD carries no body, so S3's clients see the status alone.
    let head = call.operation.starts_with("Head");
    Response { status: fault.status, headers, body: if head { Vec::new() } else { body.into_bytes() } }
}

/// For requests that name no service we know: in JSON, which is what most services speak that are not modelled.
pub(crate) fn render_unknown() -> Response {
    let message =
        "the sandbox could not tell the service: the request carries no AWS signature, or a service that is not modelled";
    let body = json!({ "__type": "UnknownOperationException", "message": message });
    Response {
        status: 501,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    }
}
