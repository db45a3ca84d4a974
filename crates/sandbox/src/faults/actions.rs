//! The permissions that a call needs, by IAM's names.

use crate::call::{Call, text};
use crate::wire::Service;

/// The call's own action first, then what tags and roles in it need besides.
pub(super) fn actions(service: &Service, call: &Call) -> Vec<String> {
    let prefix = if service.name == "tagging" { "tag" } else { service.signed_as[0] };
    let own = if service.name == "s3" { s3_action(&call.operation) } else { call.operation.as_str() };
    let mut needed = vec![format!("{prefix}:{own}")];
    if let Some(tagging) = tagging_action(service, call) {
        needed.push(format!("{prefix}:{tagging}"));
    }
    if passes_role(call) {
        needed.push("iam:PassRole".to_owned());
    }
    needed
}

/// A create that carries tags is refused as a whole without the right to tag.
fn tagging_action(service: &Service, call: &Call) -> Option<&'static str> {
    let creates = ["Create", "Allocate", "Register", "Run"].iter().any(|verb| call.operation.starts_with(verb));
    let carries = ["TagSpecification", "Tags", "tags"].iter().any(|key| match &call.input[*key] {
        serde_json::Value::Array(tags) => !tags.is_empty(),
        serde_json::Value::Object(tags) => !tags.is_empty(),
        _ => false,
    });
    let with_tags = call.operation == "CreateDistribution" && call.query("WithTags").is_some();
    if !(creates && (carries || with_tags)) {
        return None;
    }
    Some(match (service.name, call.operation.as_str()) {
        ("ec2", _) => "CreateTags",
        ("iam", "CreateRole") => "TagRole",
        ("iam", _) => "TagOpenIDConnectProvider",
        ("elbv2", _) => "AddTags",
        ("rds", _) => "AddTagsToResource",
        _ => "TagResource",
    })
}

fn passes_role(call: &Call) -> bool {
    let names_role = |key: &str| text(&call.input[key]).is_some();
    match call.operation.as_str() {
        "RegisterTaskDefinition" => names_role("executionRoleArn") || names_role("taskRoleArn"),
        "CreateDBInstance" => names_role("MonitoringRoleArn"),
        _ => false,
    }
}

/// S3 is the service whose permissions are not called like its operations. Source: Service Authorization Reference, Amazon S3.
fn s3_action(operation: &str) -> &str {
    match operation {
        "ListBuckets" => "ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "HeadObject" => "GetObject",
        "DeleteObjects" => "DeleteObject",
        "CopyObject" => "PutObject",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "DeleteBucketTagging" => "PutBucketTagging",
        other => other,
    }
}
