//! What an ARN of the Tagging API names.

use landing_engine::Kind;

use crate::{cloudfront, ec2, ecr, ecs, efs, elbv2, iam, logs, rds, s3, secretsmanager};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// A kind of ours, and what its `read` wants to know.
    Ours {
        kind: &'static str,
        id: &'a str,
    },
    /// A revision is no object of its own: its family is.
    Revision(&'a str),
    /// By its id; the kind goes by names.
    Namespace(&'a str),
    Interface(&'a str),
    Snapshot(&'a str),
    Task(&'a str),
    /// `service.thing` that landing makes no nodes of.
    Other(String),
}

/// `arn:<partition>:<service>:<region>:<account>:<word>` and `/` or `:` and the rest.
pub(super) fn named(arn: &str) -> Named<'_> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next().unwrap_or_default();
    let rest = parts.nth(2).unwrap_or_default();
    let (word, name) = rest.split_once(['/', ':']).unwrap_or((rest, ""));
    let ours = |kind, id| Named::Ours { kind, id };
    match (service, word) {
        ("ec2", "vpc") => ours(ec2::Vpc::NAME, name),
        ("ec2", "internet-gateway") => ours(ec2::InternetGateway::NAME, name),
        ("ec2", "subnet") => ours(ec2::Subnet::NAME, name),
        ("ec2", "elastic-ip") => ours(ec2::ElasticIp::NAME, name),
        ("ec2", "natgateway") => ours(ec2::NatGateway::NAME, name),
        ("ec2", "route-table") => ours(ec2::RouteTable::NAME, name),
        ("ec2", "security-group") => ours(ec2::SecurityGroup::NAME, name),
        ("ec2", "security-group-rule") => ours(ec2::SecurityGroupRule::NAME, name),
        ("ec2", "vpc-endpoint") => ours(ec2::VpcEndpoint::NAME, name),
        ("ec2", "network-interface") => Named::Interface(name),
        ("iam", "role") => ours(<iam::Role as Kind>::NAME, name),
        ("iam", "oidc-provider") => ours(iam::OidcProvider::NAME, arn),
        ("ecr", "repository") => ours(<ecr::Repository as Kind>::NAME, name),
        ("secretsmanager", "secret") => ours(secretsmanager::Secret::NAME, arn),
        ("rds", "subgrp") => ours(<rds::SubnetGroup as Kind>::NAME, name),
        ("rds", "db") => ours(rds::Instance::NAME, name),
        ("rds", "snapshot") => Named::Snapshot(name),
        // Some lists end it in `:*`.
        ("logs", "log-group") => ours(<logs::Group as Kind>::NAME, name.trim_end_matches(":*")),
        ("servicediscovery", "namespace") => Named::Namespace(name),
        ("ecs", "cluster") => ours(<ecs::Cluster as Kind>::NAME, name),
        ("ecs", "service") => ours(<ecs::Service as Kind>::NAME, arn),
        ("ecs", "task") => Named::Task(arn),
        ("ecs", "task-definition") => Named::Revision(arn),
        ("elasticfilesystem", "file-system") => ours(efs::FileSystem::NAME, name),
        ("elasticfilesystem", "access-point") => ours(efs::AccessPoint::NAME, name),
        ("elasticloadbalancing", "loadbalancer") => ours(elbv2::LoadBalancer::NAME, arn),
        ("elasticloadbalancing", "targetgroup") => ours(elbv2::TargetGroup::NAME, arn),
        ("elasticloadbalancing", "listener") => ours(elbv2::Listener::NAME, arn),
        ("elasticloadbalancing", "listener-rule") => ours(elbv2::Rule::NAME, arn),
        ("s3", _) => ours(<s3::Bucket as Kind>::NAME, rest),
        ("cloudfront", "distribution") => ours(cloudfront::Distribution::NAME, name),
        _ => Named::Other(format!("{service}.{word}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, named};

    #[test]
    fn ids_come_as_the_kinds_want_them() {
        let ours = |kind, id| Named::Ours { kind, id };
        assert_eq!(named("arn:aws:ec2:eu-west-1:1:natgateway/nat-1"), ours("ec2.nat-gateway", "nat-1"));
        assert_eq!(named("arn:aws:ecr:eu-west-1:1:repository/shop-dev/web"), ours("ecr.repository", "shop-dev/web"));
        assert_eq!(named("arn:aws:logs:eu-west-1:1:log-group:/ecs/shop-dev/web:*"), ours("logs.group", "/ecs/shop-dev/web"));
        assert_eq!(named("arn:aws:elasticfilesystem:eu-west-1:1:file-system/fs-1"), ours("efs.file-system", "fs-1"));
        assert_eq!(named("arn:aws:s3:::shop-dev-site"), ours("s3.bucket", "shop-dev-site"));
        let rule = "arn:aws:elasticloadbalancing:eu-west-1:1:listener-rule/app/shop/1/2/3";
        assert_eq!(named(rule), ours("elbv2.rule", rule));
        assert_eq!(named("arn:aws:ec2:eu-west-1:1:instance/i-1"), Named::Other("ec2.instance".into()));
    }
}
