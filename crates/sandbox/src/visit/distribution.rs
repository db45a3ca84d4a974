//! CloudFront as a visitor sees it: behaviours by path, the function on the way in, bucket or load balancer behind it, error pages. Nothing is cached. Source: CloudFront
//! Developer Guide, "Values that you specify", "Restrict access to an Amazon S3 origin", "Custom error responses".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Visit, balancer, function, pattern};
use crate::Closed;
use crate::call::{number, strings, text};
use crate::services::cloudfront::{Distribution, behavior_list, custom_errors, functions_of, origins};
use crate::services::s3;
use crate::wire::Response;
use crate::world::World;

/// # Errors
/// When no name server knows it: there is none, or it is disabled.
pub(super) fn answer(world: &World, visit: &Visit<'_>) -> Result<Response, Closed> {
    let enabled =
        |distribution: &&Distribution| distribution.config["Enabled"] == "true" || distribution.config["Enabled"] == true;
    let found = world.cloudfront.distributions.values().filter(enabled).find(|distribution| distribution.domain == visit.host);
    let distribution = found.ok_or(Closed)?;
    let config = &distribution.config;
    let behavior = behavior_of(config, visit.path);
    match behavior["ViewerProtocolPolicy"].as_str() {
        Some("redirect-to-https") if !visit.secure => {
            let to = format!("https://{}{}", visit.host, visit.target);
            return Ok(own(301, "Moved Permanently", vec![("location".to_owned(), to)]));
        }
        Some("https-only") if !visit.secure => return Ok(own(403, "Forbidden", Vec::new())),
        _ => {}
    }
    let mut path = visit.path.to_owned();
    for arn in functions_of(behavior, "viewer-request") {
        let live =
            world.cloudfront.functions.values().find(|function| function.arn == arn).and_then(|function| function.live.as_ref());
        let code = live.and_then(|stage| STANDARD.decode(stage.code.trim()).ok()).unwrap_or_default();
        match function::route(&String::from_utf8_lossy(&code), &path) {
            Some(routed) => path = routed,
            None => return Ok(own(503, "The sandbox cannot play this CloudFront function", Vec::new())),
        }
    }
    let response = of_origin(world, distribution, behavior, visit, &path);
    Ok(with_error_page(world, distribution, visit, response))
}

/// The first whose pattern fits, else the default one.
fn behavior_of<'c>(config: &'c Value, path: &str) -> &'c Value {
    let behaviors = behavior_list(config);
    let fits = |behavior: &&&Value| {
        let wanted = behavior["PathPattern"].as_str().unwrap_or_default();
        let wanted = if wanted.starts_with(['/', '*']) { wanted.to_owned() } else { format!("/{wanted}") };
        pattern::matches(wanted.as_bytes(), path.as_bytes())
    };
    behaviors.iter().find(fits).copied().unwrap_or(&config["DefaultCacheBehavior"])
}

fn of_origin(world: &World, distribution: &Distribution, behavior: &Value, visit: &Visit<'_>, path: &str) -> Response {
    let origins = origins(&distribution.config);
    let Some(origin) = origins.into_iter().find(|origin| origin["Id"] == behavior["TargetOriginId"]) else {
        return own(502, "Bad Gateway", Vec::new());
    };
    let domain = origin["DomainName"].as_str().unwrap_or_default();
    let path = format!("{}{path}", origin["OriginPath"].as_str().unwrap_or_default());
    if let Some((bucket, _)) = domain.split_once(".s3.") {
        let root = distribution.config["DefaultRootObject"].as_str().unwrap_or_default();
        let key = if path == "/" { root } else { path.trim_start_matches('/') };
        return of_bucket(world, distribution, origin, bucket, key);
    }
    let target = match visit.target.split_once('?') {
        Some((_, query)) => format!("{path}?{query}"),
        None => path.clone(),
    };
    let secure = origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only";
    let inner = Visit { host: domain.to_ascii_lowercase(), secure, method: visit.method, path: &path, target: &target };
    match balancer::answer(world, &inner, balancer::From::CloudFront) {
        Ok(response) => response,
        Err(Closed) => own(502, "Bad Gateway", Vec::new()),
    }
}

/// Signed with the origin access control, and let in by the bucket's policy. Who may not list a bucket is not told that a key is missing.
fn of_bucket(world: &World, distribution: &Distribution, origin: &Value, bucket: &str, key: &str) -> Response {
    let signs = text(&origin["OriginAccessControlId"]).is_some_and(|id| world.cloudfront.controls.contains_key(&id));
    let policy = world.s3.buckets.get(bucket).and_then(|bucket| bucket.policy.as_ref());
    let lets_in =
        |action: &str, resource: &str| signs && policy.is_some_and(|policy| allows(policy, action, resource, &distribution.arn));
    let object = s3::current_object(world, bucket, key);
    match object {
        Some((headers, body)) if lets_in("s3:GetObject", &format!("arn:aws:s3:::{bucket}/{key}")) => {
            let mut headers = headers;
            headers.push(("server".to_owned(), "AmazonS3".to_owned()));
            Response { status: 200, headers, body }
        }
        None if lets_in("s3:ListBucket", &format!("arn:aws:s3:::{bucket}")) => of_s3(404, "NoSuchKey"),
        _ => of_s3(403, "AccessDenied"),
    }
}

/// An `Allow` for CloudFront, on behalf of this distribution where it says one. Denials, and other conditions, are not looked at.
fn allows(policy: &Value, action: &str, resource: &str, distribution: &str) -> bool {
    let fits =
        |patterns: &Value, value: &str| strings(patterns).iter().any(|one| pattern::matches(one.as_bytes(), value.as_bytes()));
    let statements = match &policy["Statement"] {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    statements.into_iter().any(|statement| {
        let source = &statement["Condition"]["StringEquals"]["AWS:SourceArn"];
        statement["Effect"] == "Allow"
            && fits(&statement["Principal"]["Service"], "cloudfront.amazonaws.com")
            && fits(&statement["Action"], action)
            && fits(&statement["Resource"], resource)
            && (source.is_null() || strings(source).iter().any(|arn| arn == distribution))
    })
}

/// The page that the distribution shows in place of an origin's error.
fn with_error_page(world: &World, distribution: &Distribution, visit: &Visit<'_>, response: Response) -> Response {
    let errors = custom_errors(&distribution.config);
    let page = errors.into_iter().find(|error| number(&error["ErrorCode"]) == Some(response.status.into()));
    let Some((page, path)) =
        page.and_then(|page| Some((page, page["ResponsePagePath"].as_str().filter(|path| !path.is_empty())?)))
    else {
        return response;
    };
    let shown = of_origin(world, distribution, behavior_of(&distribution.config, path), visit, path);
    let status = number(&page["ResponseCode"]).and_then(|code| u16::try_from(code).ok()).unwrap_or(response.status);
    if shown.status == 200 { Response { status, ..shown } } else { response }
}

fn of_s3(status: u16, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
    let headers = [("server", "AmazonS3"), ("content-type", "application/xml"), ("x-cache", "Error from cloudfront")];
    Response { status, headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), body: body.into_bytes() }
}

/// An answer of CloudFront itself.
fn own(status: u16, title: &str, more: Vec<(String, String)>) -> Response {
    let mut headers = vec![("server".to_owned(), "CloudFront".to_owned()), ("content-type".to_owned(), "text/html".to_owned())];
    headers.extend(more);
    Response { status, headers, body: format!("<html><head><title>{status} {title}</title></head></html>\n").into_bytes() }
}
