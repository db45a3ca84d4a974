//! Plants of what holds data, and of CloudFront.

use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{
    CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, DistributionConfigWithTags, FunctionConfig, FunctionRuntime,
    Origin, OriginAccessControlConfig, OriginAccessControlOriginTypes, OriginAccessControlSigningBehaviors,
    OriginAccessControlSigningProtocols, OriginProtocolPolicy, Origins, Tags, ViewerProtocolPolicy,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tagging};

use super::console::{Console, Mark, Plant, Way, never, stands, tags};

pub(super) async fn ecr(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let kind = "ecr.repository";
    let name = mark.name(kind);
    let make = at.ecr.create_repository().repository_name(&name);
    make.set_tags(tags!(strict aws_sdk_ecr, mark, kind)).send().await.unwrap();
    let mut plants = vec![stands(kind, name)];
    plants.extend(never(&["ecr.image"], "it is a part of its repository, and goes with it"));
    plants
}

pub(super) async fn secretsmanager(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let kind = "secretsmanager.secret";
    let make = at.secretsmanager.create_secret().name(mark.name(kind)).secret_string("planted");
    let made = make.set_tags(tags!(aws_sdk_secretsmanager, mark, kind)).send().await.unwrap();
    vec![stands(kind, made.arn().unwrap())]
}

pub(super) async fn rds(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let (_, subnets) = at.default_network().await;
    let group = |name: String| {
        let make = at.rds.create_db_subnet_group().db_subnet_group_name(name).db_subnet_group_description("planted");
        make.set_subnet_ids(Some(subnets.to_vec()))
    };
    let kind = "rds.subnet-group";
    let made = group(mark.name(kind)).set_tags(tags!(aws_sdk_rds, mark, kind)).send().await.unwrap();
    let mut plants = vec![stands(kind, made.db_subnet_group().unwrap().db_subnet_group_name().unwrap())];

    let kind = "rds.instance";
    group("strangers".to_owned()).send().await.unwrap();
    let make = at.rds.create_db_instance().db_instance_identifier(mark.name(kind)).engine("postgres").allocated_storage(20);
    let make = make.db_instance_class("db.t3.micro").master_username("owner").master_user_password("no-secret-at-all");
    let make = make.db_subnet_group_name("strangers").set_tags(tags!(aws_sdk_rds, mark, kind));
    plants.push(stands(kind, make.send().await.unwrap().db_instance().unwrap().db_instance_identifier().unwrap()));
    plants
}

pub(super) async fn efs(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let mut plants = never(&["efs.mount-target"], "it has no tags, and stands in a file system that has");
    if mark.way == Way::Name {
        plants.extend(never(&["efs.file-system", "efs.access-point"], "they have ids of AWS's and no names"));
        return plants;
    }
    let kind = "efs.file-system";
    let make = at.efs.create_file_system().creation_token("planted").encrypted(true);
    let made = make.set_tags(tags!(strict aws_sdk_efs, mark, kind)).send().await.unwrap();
    // Whoever made it has waited for it.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    plants.push(stands(kind, made.file_system_id()));
    let kind = "efs.access-point";
    let make = at.efs.create_access_point().client_token("planted").file_system_id(made.file_system_id());
    let made = make.set_tags(tags!(strict aws_sdk_efs, mark, kind)).send().await.unwrap();
    plants.push(stands(kind, made.access_point_id().unwrap()));
    plants
}

pub(super) async fn s3(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let kind = "s3.bucket";
    let name = mark.name(kind);
    let here = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::UsWest2).build();
    at.s3.create_bucket().bucket(&name).create_bucket_configuration(here).send().await.unwrap();
    if let Some(tags) = tags!(strict aws_sdk_s3, mark, kind) {
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
        at.s3.put_bucket_tagging().bucket(&name).tagging(tagging).send().await.unwrap();
    }
    let kind = "s3.bucket-policy";
    let policy = match mark.way {
        Way::Tags => {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"cloudfront.amazonaws.com"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::{name}/*","Condition":{{"StringEquals":{{"AWS:SourceArn":"arn:aws:cloudfront::123456789012:distribution/E1"}}}}}}]}}"#
            );
            at.s3.put_bucket_policy().bucket(&name).policy(text).send().await.unwrap();
            vec![stands(kind, &name)]
        }
        _ => never(&[kind], "it is a part of its bucket, and known by that one's tags"),
    };
    let site = never(&["s3.site"], "it is what its bucket holds, and goes with it");
    [vec![stands("s3.bucket", name)], policy, site].into_iter().flatten().collect()
}

/// What cannot carry tags says whose it is in its text.
pub(super) async fn cloudfront(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let mut plants = Vec::new();
    let text = |kind: &str| format!("landing {}/{} {kind}.planted", mark.stack.project, mark.stack.env);
    let tagless = &["cloudfront.function", "cloudfront.origin-access-control"];
    if mark.way == Way::Index {
        plants.extend(never(tagless, "it cannot carry tags"));
    } else if mark.way == Way::Name {
        plants.extend(never(tagless, "without tags its name is all the proof there is, and down takes it away"));
    } else {
        let kind = "cloudfront.origin-access-control";
        let config = OriginAccessControlConfig::builder()
            .name(mark.name(kind))
            .description(text(kind))
            .signing_protocol(OriginAccessControlSigningProtocols::Sigv4)
            .signing_behavior(OriginAccessControlSigningBehaviors::Always)
            .origin_access_control_origin_type(OriginAccessControlOriginTypes::S3);
        let make = at.cloudfront.create_origin_access_control().origin_access_control_config(config.build().unwrap());
        plants.push(stands(kind, make.send().await.unwrap().origin_access_control().unwrap().id()));

        let kind = "cloudfront.function";
        let config = FunctionConfig::builder().comment(text(kind)).runtime(FunctionRuntime::CloudfrontJs20).build().unwrap();
        let code = Blob::new("function handler(event) { return event.request }");
        let name = mark.name(kind);
        at.cloudfront.create_function().name(&name).function_config(config).function_code(code).send().await.unwrap();
        plants.push(stands(kind, name));
    }
    let kind = "cloudfront.distribution";
    let web = CustomOriginConfig::builder().http_port(80).https_port(443).origin_protocol_policy(OriginProtocolPolicy::HttpOnly);
    let origin =
        Origin::builder().id("it").domain_name("example.com").custom_origin_config(web.build().unwrap()).build().unwrap();
    let behaviour = DefaultCacheBehavior::builder()
        .target_origin_id("it")
        .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
        .cache_policy_id("658327ea-f89d-4fab-a63d-7e88639e58f6");
    let config = DistributionConfig::builder()
        .caller_reference("planted")
        .comment(mark.name(kind))
        .enabled(true)
        .origins(Origins::builder().quantity(1).items(origin).build().unwrap())
        .default_cache_behavior(behaviour.build().unwrap())
        .build()
        .unwrap();
    let made = match tags!(strict aws_sdk_cloudfront, mark, kind) {
        Some(tags) => {
            let tags = Tags::builder().set_items(Some(tags)).build();
            let config = DistributionConfigWithTags::builder().distribution_config(config).tags(tags).build();
            let make = at.cloudfront.create_distribution_with_tags().distribution_config_with_tags(config);
            make.send().await.unwrap().distribution.unwrap()
        }
        None => at.cloudfront.create_distribution().distribution_config(config).send().await.unwrap().distribution.unwrap(),
    };
    plants.push(stands(kind, made.id()));
    plants
}
