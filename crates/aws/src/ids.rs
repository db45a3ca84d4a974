//! Ids are types: parsed once at the border, impossible to swap.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

ids! {
    VpcId,
    SubnetId,
    GatewayId,
    AllocationId,
    NatGatewayId,
    RouteTableId,
    SecurityGroupId,
    PrefixListId,
    RoleArn,
    RoleName,
    OidcProviderArn,
    SecretArn,
    /// ARN and version of a value, as `ARN@VERSION`.
    SecretVersion,
    RepositoryName,
    RepositoryArn,
    RepositoryUri,
    FileSystemId,
    FileSystemArn,
    AccessPointId,
    AccessPointArn,
    LogGroupName,
    LogGroupArn,
    ClusterName,
    NamespaceArn,
    TaskDefinitionArn,
    ServiceName,
    LoadBalancerArn,
    TargetGroupArn,
    ListenerArn,
    BucketName,
    OriginAccessControlId,
    FunctionArn,
    SubnetGroupName,
    InstanceArn,
    InstanceHost,
    InstancePort,
}
