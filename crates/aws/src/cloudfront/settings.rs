//! A distribution's configuration, to the SDK's shape and back.
//!
//! Two origins with fixed ids are ours, and the behaviours that lead to them; everything else in a configuration belongs to somebody else and stays.
//! Source: CloudFront API Reference, `DistributionConfig`; `aws-behaviours` 12.2.

use aws_sdk_cloudfront::types::{
    AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, CustomOriginConfig, DefaultCacheBehavior, DistributionConfig,
    EventType, FunctionAssociation, FunctionAssociations, HttpVersion, Method, Origin, OriginProtocolPolicy, OriginSslProtocols,
    Origins, PriceClass, S3OriginConfig, SslProtocol, ViewerCertificate, ViewerProtocolPolicy,
};
use landing_engine::Ref;

use super::distribution::{ApiOrigin, Distribution, S3Origin};

const BUCKET: &str = "bucket";
const API: &str = "api";
const SET: &str = "all required members are set";

/// The configuration of a new distribution: the bare minimum that the SDK builds, and then the same as for every change.
pub(crate) fn newborn(desired: &Distribution, reference: &str) -> DistributionConfig {
    let mut config = DistributionConfig::builder()
        .caller_reference(reference)
        .comment(&desired.comment)
        .enabled(desired.enabled)
        .origins(origins(vec![]))
        .default_cache_behavior(default_behavior(desired, None))
        .viewer_certificate(ViewerCertificate::builder().cloud_front_default_certificate(true).build())
        .build()
        .expect(SET);
    apply(desired, &mut config);
    config
}

/// Makes a live configuration what is desired.
pub(crate) fn apply(desired: &Distribution, config: &mut DistributionConfig) {
    config.comment = desired.comment.clone();
    config.enabled = desired.enabled;
    config.default_root_object = Some(desired.root_object.clone());
    config.price_class = Some(PriceClass::from(desired.price_class.as_str()));
    config.http_version = Some(HttpVersion::from(desired.http_version.as_str()));
    config.is_ipv6_enabled = Some(desired.ipv6);

    let mut all = config.origins.take().map(|origins| origins.items).unwrap_or_default();
    all.retain(|origin| origin.id != BUCKET && origin.id != API);
    all.push(bucket(&desired.bucket));
    all.extend(desired.api.as_ref().map(api));
    config.origins = Some(origins(all));

    let old = config.default_cache_behavior.take();
    config.default_cache_behavior = Some(default_behavior(desired, old));

    let others = config.cache_behaviors.take().and_then(|behaviors| behaviors.items).unwrap_or_default();
    let paths = if desired.api.is_some() { desired.api_paths.as_slice() } else { &[] };
    let mut behaviors: Vec<CacheBehavior> = paths.iter().map(|path| api_behavior(desired, path)).collect();
    behaviors.extend(others.into_iter().filter(|other| other.target_origin_id != API));
    let count = quantity(behaviors.len());
    config.cache_behaviors = Some(CacheBehaviors::builder().quantity(count).set_items(Some(behaviors)).build().expect(SET));
}

fn origins(items: Vec<Origin>) -> Origins {
    Origins::builder().quantity(quantity(items.len())).set_items(Some(items)).build().expect(SET)
}

/// CloudFront wants every list's length beside it (`InconsistentQuantities`).
fn quantity(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn bucket(origin: &S3Origin) -> Origin {
    Origin::builder()
        .id(BUCKET)
        .domain_name(origin.domain.get())
        // Empty, but required: the older way of access that the access control replaces.
        .s3_origin_config(S3OriginConfig::builder().origin_access_identity("").build())
        .origin_access_control_id(origin.access_control.get().as_str())
        .build()
        .expect(SET)
}

fn api(origin: &ApiOrigin) -> Origin {
    let tls = OriginSslProtocols::builder().quantity(1).items(SslProtocol::TlSv12).build().expect(SET);
    let http = CustomOriginConfig::builder()
        .http_port(80)
        .https_port(443)
        .origin_protocol_policy(OriginProtocolPolicy::HttpOnly)
        .origin_ssl_protocols(tls)
        .origin_read_timeout(origin.read_timeout)
        .build()
        .expect(SET);
    Origin::builder().id(API).domain_name(origin.domain.get()).custom_origin_config(http).build().expect(SET)
}

fn default_behavior(desired: &Distribution, old: Option<DefaultCacheBehavior>) -> DefaultCacheBehavior {
    let mut behavior = old.unwrap_or_else(|| {
        let bare =
            DefaultCacheBehavior::builder().target_origin_id(BUCKET).viewer_protocol_policy(ViewerProtocolPolicy::AllowAll);
        bare.compress(true).allowed_methods(methods(&[Method::Get, Method::Head])).build().expect(SET)
    });
    behavior.target_origin_id = BUCKET.to_owned();
    behavior.viewer_protocol_policy = ViewerProtocolPolicy::from(desired.viewer_protocol.as_str());
    behavior.cache_policy_id = Some(desired.default_cache_policy.clone());
    let mut functions = behavior.function_associations.take().and_then(|functions| functions.items).unwrap_or_default();
    functions.retain(|function| function.event_type != EventType::ViewerRequest);
    functions.extend(desired.function.as_ref().map(|arn| {
        let function = FunctionAssociation::builder().function_arn(arn.get().as_str()).event_type(EventType::ViewerRequest);
        function.build().expect(SET)
    }));
    let count = quantity(functions.len());
    behavior.function_associations =
        Some(FunctionAssociations::builder().quantity(count).set_items(Some(functions)).build().expect(SET));
    behavior
}

fn api_behavior(desired: &Distribution, path: &str) -> CacheBehavior {
    let all = [Method::Get, Method::Head, Method::Options, Method::Put, Method::Post, Method::Patch, Method::Delete];
    CacheBehavior::builder()
        .path_pattern(path)
        .target_origin_id(API)
        .viewer_protocol_policy(ViewerProtocolPolicy::from(desired.viewer_protocol.as_str()))
        .allowed_methods(methods(&all))
        .compress(true)
        .cache_policy_id(&desired.api_cache_policy)
        .origin_request_policy_id(&desired.api_origin_request_policy)
        .build()
        .expect(SET)
}

fn methods(allowed: &[Method]) -> AllowedMethods {
    let cached = CachedMethods::builder().quantity(2).items(Method::Get).items(Method::Head).build().expect(SET);
    AllowedMethods::builder()
        .quantity(quantity(allowed.len()))
        .set_items(Some(allowed.to_vec()))
        .cached_methods(cached)
        .build()
        .expect(SET)
}

/// What a live configuration says in our words; what is not as we would have made it reads as something that nobody desires.
pub(crate) fn shape(config: Option<&DistributionConfig>) -> Distribution {
    let origin = |id: &str| {
        let origins = config.and_then(DistributionConfig::origins);
        origins.and_then(|origins| origins.items().iter().find(|origin| origin.id() == id))
    };
    let default = config.and_then(DistributionConfig::default_cache_behavior);
    let behaviors = config.and_then(DistributionConfig::cache_behaviors).map_or(&[][..], CacheBehaviors::items);
    let paths: Vec<&CacheBehavior> = behaviors.iter().filter(|behavior| behavior.target_origin_id() == API).collect();
    let bucket = default.filter(|default| default.target_origin_id() == BUCKET).and_then(|_| origin(BUCKET));
    let functions = default.and_then(DefaultCacheBehavior::function_associations);
    let on_request = |function: &&FunctionAssociation| *function.event_type() == EventType::ViewerRequest;
    let function = functions.and_then(|functions| functions.items().iter().find(on_request));
    let protocols = default.map(DefaultCacheBehavior::viewer_protocol_policy).into_iter();
    let protocols = protocols.chain(paths.iter().map(|behavior| behavior.viewer_protocol_policy()));
    Distribution {
        comment: config.map_or("", DistributionConfig::comment).to_owned(),
        enabled: config.is_some_and(DistributionConfig::enabled),
        root_object: config.and_then(DistributionConfig::default_root_object).unwrap_or_default().to_owned(),
        price_class: config.and_then(DistributionConfig::price_class).map_or("", PriceClass::as_str).to_owned(),
        http_version: config.and_then(DistributionConfig::http_version).map_or("", HttpVersion::as_str).to_owned(),
        ipv6: config.and_then(DistributionConfig::is_ipv6_enabled).unwrap_or(false),
        bucket: S3Origin {
            domain: bucket.map_or("", Origin::domain_name).into(),
            access_control: Ref::value(bucket.and_then(Origin::origin_access_control_id).unwrap_or_default().into()),
        },
        api: origin(API).map(|origin| ApiOrigin {
            domain: origin.domain_name().into(),
            // CloudFront's default.
            read_timeout: origin.custom_origin_config().and_then(CustomOriginConfig::origin_read_timeout).unwrap_or(30),
        }),
        api_paths: paths.iter().map(|behavior| behavior.path_pattern().to_owned()).collect(),
        function: function.map(|function| Ref::value(function.function_arn().into())),
        default_cache_policy: default.and_then(DefaultCacheBehavior::cache_policy_id).unwrap_or_default().to_owned(),
        api_cache_policy: one(paths.iter().map(|behavior| behavior.cache_policy_id().unwrap_or("none"))),
        api_origin_request_policy: one(paths.iter().map(|behavior| behavior.origin_request_policy_id().unwrap_or("none"))),
        viewer_protocol: one(protocols.map(ViewerProtocolPolicy::as_str)),
    }
}

/// What all behaviours agree on, or all that they say.
fn one<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut values: Vec<&str> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_reads_back_as_it_was_asked_for_and_keeps_what_others_added() {
        let desired = Distribution {
            comment: "shop".into(),
            enabled: true,
            root_object: "index.html".into(),
            price_class: "PriceClass_100".into(),
            http_version: "http2and3".into(),
            ipv6: true,
            bucket: S3Origin { domain: "b.s3.eu-central-1.amazonaws.com".into(), access_control: Ref::value("E1".into()) },
            api: Some(ApiOrigin { domain: "lb.example".into(), read_timeout: 60 }),
            api_paths: vec!["/api/*".into(), "/auth/*".into()],
            function: Some(Ref::value("arn:aws:cloudfront::1:function/spa".into())),
            default_cache_policy: "c1".into(),
            api_cache_policy: "c2".into(),
            api_origin_request_policy: "r1".into(),
            viewer_protocol: "redirect-to-https".into(),
        };
        let mut config = newborn(&desired, "token");
        assert_eq!(shape(Some(&config)), desired);
        config.web_acl_id = Some("acl".into());
        let bare = Distribution { api: None, api_paths: vec![], function: None, ..desired };
        apply(&bare, &mut config);
        let read = shape(Some(&config));
        assert_eq!((read.api, read.api_paths, read.function), (None, vec![], None));
        assert_eq!(config.web_acl_id(), Some("acl"));
        assert_eq!(config.cache_behaviors().map(CacheBehaviors::quantity), Some(0));
    }
}
