//! A request to a [`Call`].

use serde_json::Value;

use super::{Protocol, Request, SERVICES, Service, query, xml};
use crate::call::Call;

/// The service is told by the signature's scope (`…/20261123/us-west-2/ec2/aws4_request`), which every AWS client sends.
pub(crate) fn call_of(request: &Request) -> Option<(&'static Service, Call)> {
    let scope = request.header("authorization")?.split("Credential=").nth(1)?.split([',', ' ']).next()?;
    let mut parts = scope.rsplit('/').skip(1);
    let (signed_as, region) = (parts.next()?, parts.next()?);
    let service = SERVICES.iter().find(|service| service.signed_as.contains(&signed_as))?;
    let (path, query_text) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let pairs = |text: &[u8]| -> Vec<(String, String)> { form_urlencoded::parse(text).into_owned().collect() };
    let mut call = Call {
        service: service.name,
        operation: String::new(),
        input: Value::Null,
        path: path.split('/').skip(1).map(decode).collect(),
        query: pairs(query_text.as_bytes()),
        headers: request.headers.clone(),
        body: request.body.clone(),
        region: region.to_owned(),
    };
    match service.protocol {
        Protocol::Ec2 | Protocol::Query => {
            let fields = pairs(&request.body);
            call.operation = fields.iter().find(|(key, _)| key == "Action")?.1.clone();
            call.input = query::tree(&fields);
        }
        Protocol::Json => {
            call.operation = request.header("x-amz-target")?.rsplit('.').next()?.to_owned();
            call.input = serde_json::from_slice(&request.body).unwrap_or(Value::Object(serde_json::Map::new()));
        }
        Protocol::RestJson => {
            call.input = serde_json::from_slice(&request.body).unwrap_or(Value::Object(serde_json::Map::new()));
            call.operation = crate::services::rest_operation(service.name, &request.method, &call);
        }
        Protocol::RestXml => {
            call.input = std::str::from_utf8(&request.body).map_or(Value::Null, xml::read);
            call.operation = crate::services::rest_operation(service.name, &request.method, &call);
        }
    }
    Some((service, call))
}

fn decode(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}
