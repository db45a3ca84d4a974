//! A distribution's configuration: checked, and made complete as AWS gives it back (catalogue, section 12.2).

use serde_json::{Map, Value, json};

use crate::call::{number, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::world::World;

/// XML gives one element alone and several as a list; a stored list of several has its element's name with `[]`.
pub(super) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The elements of a list member `{Quantity, Items: {Element: …}}`.
fn elements<'v>(list: &'v Value, element: &str) -> Vec<&'v Value> {
    let listed = &list["Items"];
    let repeated = items(&listed[format!("{element}[]")]);
    if repeated.is_empty() { items(&listed[element]) } else { repeated }
}

pub(crate) fn origins(config: &Value) -> Vec<&Value> {
    elements(&config["Origins"], "Origin")
}

/// Without the default one, in the order in which they are tried.
pub(crate) fn behavior_list(config: &Value) -> Vec<&Value> {
    elements(&config["CacheBehaviors"], "CacheBehavior")
}

pub(crate) fn custom_errors(config: &Value) -> Vec<&Value> {
    elements(&config["CustomErrorResponses"], "CustomErrorResponse")
}

/// ARNs of the functions that one behaviour calls on `event`.
pub(crate) fn functions_of(behavior: &Value, event: &str) -> Vec<String> {
    let all = elements(&behavior["FunctionAssociations"], "FunctionAssociation");
    all.into_iter().filter(|one| one["EventType"] == event).filter_map(|one| text(&one["FunctionARN"])).collect()
}

fn behaviors(config: &Value) -> Vec<&Value> {
    let mut all = vec![&config["DefaultCacheBehavior"]];
    all.extend(behavior_list(config));
    all
}

/// ARNs of the functions of all behaviours.
pub(super) fn functions(config: &Value) -> Vec<String> {
    let lists = behaviors(config).into_iter().map(|behavior| &behavior["FunctionAssociations"]);
    lists
        .flat_map(|list| elements(list, "FunctionAssociation"))
        .filter_map(|association| text(&association["FunctionARN"]))
        .collect()
}

/// `Quantity` must tell the number of items, everywhere.
pub(super) fn check_quantities(value: &Value) -> Result<(), Fault> {
    match value {
        Value::Object(map) => {
            if let Some(quantity) = map.get("Quantity").and_then(number) {
                let listed = map
                    .get("Items")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(_, value)| items(value).len())
                    .sum::<usize>();
                if usize::try_from(quantity) != Ok(listed) {
                    return Err(Fault::new("InconsistentQuantities", "The value of Quantity and the size of Items don't match."));
                }
            }
            map.values().try_for_each(check_quantities)
        }
        Value::Array(list) => list.iter().try_for_each(check_quantities),
        _ => Ok(()),
    }
}

/// Lists get the `[]` that the answer's XML needs.
pub(super) fn repeat_lists(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let old = std::mem::take(map);
            for (key, mut value) in old {
                repeat_lists(&mut value);
                let name = if value.is_array() && !key.ends_with("[]") { format!("{key}[]") } else { key };
                map.insert(name, value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(repeat_lists),
        _ => {}
    }
}

const POLICIES: &[(&str, &str, &[&str])] = &[
    (
        "CachePolicyId",
        "NoSuchCachePolicy",
        &["658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "b2884449-e4de-46a7-ac36-70bc7f1ddd6d"],
    ),
    (
        "OriginRequestPolicyId",
        "NoSuchOriginRequestPolicy",
        &[
            "216adef6-5c7f-47e4-b989-5492eafa07d3",
            "b689b0a8-53d0-40ab-baf2-68738e2966ac",
            "33f36d7e-f396-46d9-90e0-52428a34d9dc",
            "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
            "59781a5b-3903-41f3-afcb-af62929ccde1",
            "acba4595-bd28-49b8-b9fe-13317c0390fa",
        ],
    ),
    (
        "ResponseHeadersPolicyId",
        "NoSuchResponseHeadersPolicy",
        &[
            "67f7725c-6f97-4210-82d7-5512b31e9d03",
            "60669652-455b-4ae9-85a4-c4c02393f86c",
            "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
            "e61eb60c-9c35-4d20-a928-2b84e02af89c",
            "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
        ],
    ),
];

fn refuse(code: &str, message: impl Into<String>) -> Fault {
    Fault::new(code, message)
}

/// The complete configuration of a request's body.
pub(super) fn complete(world: &World, given: &Value) -> Result<Value, Fault> {
    check_quantities(given)?;
    let mut config = given.clone();
    repeat_lists(&mut config);
    for needed in ["CallerReference", "Comment", "Enabled", "Origins", "DefaultCacheBehavior"] {
        if config[needed].is_null() {
            return Err(refuse("MalformedXML", format!("The XML document is malformed: {needed} is missing.")));
        }
    }
    if text(&config["Comment"]).is_some_and(|comment| comment.chars().count() > 128) {
        return Err(refuse("InvalidArgument", "The parameter Comment is too long."));
    }
    check_references(world, &config)?;
    fill(
        &mut config,
        &[
            ("Aliases", none()),
            ("DefaultRootObject", json!("")),
            ("OriginGroups", none()),
            ("CacheBehaviors", none()),
            ("CustomErrorResponses", none()),
            ("Logging", json!({ "Enabled": "false", "IncludeCookies": "false", "Bucket": "", "Prefix": "" })),
            ("PriceClass", json!("PriceClass_All")),
            (
                "ViewerCertificate",
                json!({ "CloudFrontDefaultCertificate": "true", "SSLSupportMethod": "vip", "MinimumProtocolVersion": "TLSv1", "CertificateSource": "cloudfront" }),
            ),
            ("Restrictions", json!({ "GeoRestriction": { "RestrictionType": "none", "Quantity": "0" } })),
            ("WebACLId", json!("")),
            ("HttpVersion", json!("http2")),
            ("IsIPV6Enabled", json!("false")),
            ("ContinuousDeploymentPolicyId", json!("")),
            ("Staging", json!("false")),
        ],
    );
    if config["ViewerCertificate"]["CloudFrontDefaultCertificate"] == "true" {
        fill(
            &mut config["ViewerCertificate"],
            &[
                ("SSLSupportMethod", json!("vip")),
                ("MinimumProtocolVersion", json!("TLSv1")),
                ("CertificateSource", json!("cloudfront")),
            ],
        );
    }
    each(&mut config["Origins"], "Origin", fill_origin);
    fill_behavior(&mut config["DefaultCacheBehavior"]);
    each(&mut config["CacheBehaviors"], "CacheBehavior", fill_behavior);
    each(&mut config["CustomErrorResponses"], "CustomErrorResponse", |response| {
        fill(response, &[("ErrorCachingMinTTL", json!("10"))])
    });
    Ok(config)
}

fn none() -> Value {
    json!({ "Quantity": "0" })
}

fn fill(at: &mut Value, defaults: &[(&str, Value)]) {
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    for (key, value) in defaults {
        if at[*key].is_null() {
            at[*key] = value.clone();
        }
    }
}

fn each(list: &mut Value, element: &str, change: impl Fn(&mut Value)) {
    let Some(listed) = list.get_mut("Items").and_then(Value::as_object_mut) else { return };
    for (key, value) in listed.iter_mut().filter(|(key, _)| key.trim_end_matches("[]") == element) {
        match value {
            Value::Array(items) if key.ends_with("[]") => items.iter_mut().for_each(&change),
            one => change(one),
        }
    }
}

fn fill_origin(origin: &mut Value) {
    fill(
        origin,
        &[
            ("OriginPath", json!("")),
            ("CustomHeaders", none()),
            ("ConnectionAttempts", json!("3")),
            ("ConnectionTimeout", json!("10")),
            ("OriginShield", json!({ "Enabled": "false" })),
            ("OriginAccessControlId", json!("")),
        ],
    );
    if origin["CustomOriginConfig"].is_object() {
        let protocols = json!({ "Quantity": "3", "Items": { "SslProtocol[]": ["TLSv1", "TLSv1.1", "TLSv1.2"] } });
        fill(
            &mut origin["CustomOriginConfig"],
            &[("OriginSslProtocols", protocols), ("OriginReadTimeout", json!("30")), ("OriginKeepaliveTimeout", json!("5"))],
        );
    }
}

fn fill_behavior(behavior: &mut Value) {
    let methods = || json!({ "Quantity": "2", "Items": { "Method[]": ["HEAD", "GET"] } });
    let nobody = json!({ "Enabled": "false", "Quantity": "0" });
    fill(
        behavior,
        &[
            ("TrustedSigners", nobody.clone()),
            ("TrustedKeyGroups", nobody),
            ("AllowedMethods", methods()),
            ("SmoothStreaming", json!("false")),
            ("Compress", json!("false")),
            ("LambdaFunctionAssociations", none()),
            ("FunctionAssociations", none()),
            ("FieldLevelEncryptionId", json!("")),
            ("GrpcConfig", json!({ "Enabled": "false" })),
        ],
    );
    fill(&mut behavior["AllowedMethods"], &[("CachedMethods", methods())]);
    if behavior["CachePolicyId"].is_null() {
        fill(behavior, &[("MinTTL", json!("0")), ("DefaultTTL", json!("86400")), ("MaxTTL", json!("31536000"))]);
    }
}

/// Everything that the configuration names must exist.
fn check_references(world: &World, config: &Value) -> Result<(), Fault> {
    let origins = origins(config);
    quotas::ORIGINS.at_most(world, origins.len() as u64)?;
    quotas::BEHAVIORS.at_most(world, elements(&config["CacheBehaviors"], "CacheBehavior").len() as u64)?;
    if origins.is_empty() {
        return Err(refuse("InvalidArgument", "A distribution needs at least one origin."));
    }
    for origin in &origins {
        if origin["S3OriginConfig"].is_null() && origin["CustomOriginConfig"].is_null() && origin["VpcOriginConfig"].is_null() {
            return Err(refuse("InvalidOrigin", "The origin needs S3OriginConfig or CustomOriginConfig."));
        }
        let control = text(&origin["OriginAccessControlId"]).filter(|id| !id.is_empty());
        if control.is_some_and(|id| !world.cloudfront.controls.contains_key(&id)) {
            return Err(refuse("InvalidOriginAccessControl", "The origin access control is not valid."));
        }
    }
    for behavior in behaviors(config) {
        if !origins.iter().any(|origin| origin["Id"] == behavior["TargetOriginId"]) {
            return Err(refuse("NoSuchOrigin", "One or more of your origins or origin groups do not exist.").status(404));
        }
        for (key, code, known) in POLICIES {
            if text(&behavior[*key]).is_some_and(|id| !id.is_empty() && !known.contains(&id.as_str())) {
                return Err(refuse(code, format!("The {key} does not exist.")).status(404));
            }
        }
        if behavior["CachePolicyId"].is_null() && behavior["ForwardedValues"].is_null() {
            return Err(refuse("InvalidArgument", "The parameter ForwardedValues is required."));
        }
        for association in elements(&behavior["FunctionAssociations"], "FunctionAssociation") {
            let arn = text(&association["FunctionARN"]).unwrap_or_default();
            let live = world.cloudfront.functions.values().any(|function| function.arn == arn && function.live.is_some());
            if !live {
                return Err(refuse(
                    "InvalidFunctionAssociation",
                    "The function ARN is not valid, or the function is not published.",
                ));
            }
        }
    }
    let certificate = text(&config["ViewerCertificate"]["ACMCertificateArn"]);
    if certificate.is_some_and(|arn| !arn.starts_with("arn:aws:acm:us-east-1:")) {
        return Err(refuse(
            "InvalidViewerCertificate",
            "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid certificate chain.",
        ));
    }
    Ok(())
}
