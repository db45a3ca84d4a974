//! What a scan reads: the part of a role that lets it see what stands, and no data.
//!
//! Every kind is read by every command, whatever the project asks for, because what it does not ask for any more must be found too. Left out on purpose: values of
//! secrets, logs, objects of the site, images' layers. Source: Service Authorization Reference, the resource types of each action.

use landing_aws::state::bucket_of_landing;
use landing_engine::Ref;
use landing_project::StatePlace;
use serde_json::Value;

use crate::{Draft, policy};

/// AWS allows no narrower resource for these, or the ids are not known beforehand.
const EVERYWHERE: [&str; 47] = [
    "cloudfront:ListDistributions",
    "cloudfront:ListFunctions",
    "cloudfront:ListOriginAccessControls",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ecr:DescribeRepositories",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListTaskDefinitionFamilies",
    "ecs:ListTaskDefinitions",
    "ecs:ListTasks",
    "elasticfilesystem:DescribeAccessPoints",
    "elasticfilesystem:DescribeBackupPolicy",
    "elasticfilesystem:DescribeFileSystemPolicy",
    "elasticfilesystem:DescribeFileSystems",
    "elasticfilesystem:DescribeMountTargetSecurityGroups",
    "elasticfilesystem:DescribeMountTargets",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "iam:GetAccountAuthorizationDetails",
    "logs:DescribeLogGroups",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSubnetGroups",
    "s3:ListAllMyBuckets",
    "secretsmanager:ListSecrets",
    "servicediscovery:ListNamespaces",
    "servicediscovery:ListTagsForResource",
    "sts:GetCallerIdentity",
    "tag:GetResources",
];

pub(crate) fn statements(draft: &Draft<'_>) -> Vec<Value> {
    let prefix = &draft.prefix;
    let of = |service: &str, rest: &str| Ref::value(draft.arn(service, rest));
    let global = |service: &str, rest: &str| Ref::value(draft.global_arn(service, rest));
    let bucket = |name: &str| Ref::value(format!("arn:{}:s3:::{name}", draft.facts.partition));
    let mut statements = vec![
        policy::allow(&EVERYWHERE, vec!["*".into()]),
        policy::allow(
            &["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
            vec![global("iam", &format!("role/{prefix}-*"))],
        ),
        policy::allow(
            &["iam:GetOpenIDConnectProvider"],
            vec![global("iam", "oidc-provider/token.actions.githubusercontent.com")],
        ),
        policy::allow(
            &["ecr:DescribeImages", "ecr:GetLifecyclePolicy", "ecr:ListTagsForResource"],
            vec![of("ecr", &format!("repository/{prefix}/*"))],
        ),
        policy::allow(
            &["ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTasks"],
            vec![
                of("ecs", &format!("cluster/{prefix}")),
                of("ecs", &format!("service/{prefix}/*")),
                of("ecs", &format!("task/{prefix}/*")),
            ],
        ),
        policy::allow(&["logs:ListTagsForResource"], vec![of("logs", &format!("log-group:/ecs/{prefix}/*"))]),
        policy::allow(&["secretsmanager:DescribeSecret"], vec![of("secretsmanager", &format!("secret:{prefix}/*"))]),
        policy::allow(
            &["rds:ListTagsForResource"],
            vec![of("rds", &format!("db:{prefix}-*")), of("rds", &format!("subgrp:{prefix}-*"))],
        ),
        policy::allow(&SETTINGS_OF_A_BUCKET, vec![bucket(&format!("{prefix}-*"))]),
        // The names and hashes of the site's files, which everybody may read anyway.
        policy::allow(&["s3:ListBucket"], vec![bucket(&format!("{prefix}-*"))]),
        policy::allow(
            &[
                "cloudfront:DescribeFunction",
                "cloudfront:GetDistribution",
                "cloudfront:GetFunction",
                "cloudfront:GetOriginAccessControl",
                "cloudfront:ListTagsForResource",
            ],
            vec![
                global("cloudfront", "distribution/*"),
                global("cloudfront", &format!("function/{prefix}-*")),
                global("cloudfront", "origin-access-control/*"),
            ],
        ),
    ];
    if let Some((bucket, objects)) = state(draft) {
        // Without leave to list, S3 answers "denied" for a state that is not there yet.
        statements.push(policy::allow(&["s3:ListBucket"], vec![bucket]));
        statements.push(policy::allow(&["s3:GetObject"], vec![objects]));
    }
    statements
}

const SETTINGS_OF_A_BUCKET: [&str; 6] = [
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
];

/// What a run that changes something needs besides, when its state lies in S3: to write it, and to see that the bucket is as it should be.
pub(crate) fn writes_the_state(draft: &Draft<'_>) -> Vec<Value> {
    let Some((bucket, objects)) = state(draft) else { return Vec::new() };
    vec![policy::allow(&SETTINGS_OF_A_BUCKET, vec![bucket]), policy::allow(&["s3:PutObject"], vec![objects])]
}

/// The bucket of the state and what lies in it of this stack.
fn state(draft: &Draft<'_>) -> Option<(Ref<String>, Ref<String>)> {
    let StatePlace::S3 { bucket, prefix } = &draft.project.state else { return None };
    let facts = draft.facts;
    let name = bucket.clone().unwrap_or_else(|| bucket_of_landing(&facts.account, &facts.region));
    let arn = format!("arn:{}:s3:::{name}", facts.partition);
    let objects = format!("{arn}/{prefix}{}/{}/*", draft.project.name, draft.project.env);
    Some((Ref::value(arn), Ref::value(objects)))
}
