//! Settings of a bucket in S3's own types, for a stack's bucket and for that of the state.

use aws_sdk_s3::types::{
    BucketVersioningStatus, ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    VersioningConfiguration,
};

/// All four kinds of public access, blocked or not.
pub(crate) fn public_access(blocked: bool) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(blocked)
        .ignore_public_acls(blocked)
        .block_public_policy(blocked)
        .restrict_public_buckets(blocked)
        .build()
}

pub(crate) fn is_blocked(block: &PublicAccessBlockConfiguration) -> bool {
    let all = [block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets];
    all.iter().all(|flag| *flag == Some(true))
}

pub(crate) fn encrypted_by(algorithm: ServerSideEncryption) -> ServerSideEncryptionConfiguration {
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm).build().expect("the algorithm is set");
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("the rule is set")
}

pub(crate) fn versions(kept: bool) -> VersioningConfiguration {
    let status = if kept { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    VersioningConfiguration::builder().status(status).build()
}

pub(crate) fn owned_by(ownership: ObjectOwnership) -> OwnershipControls {
    let rule = OwnershipControlsRule::builder().object_ownership(ownership).build().expect("the ownership is set");
    OwnershipControls::builder().rules(rule).build().expect("the rule is set")
}
