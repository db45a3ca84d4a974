//! Quotas at AWS's defaults (catalogue, section 17), each with the code that AWS answers when one more is asked for.
//!
//! The faults of a world can set any of them, by code, or by name where several have the same code. Message texts are AWS's as far as they are
//! known; codes of ECS are unverified, because its API has no code of its own for quotas.
//!
//! Left out: network interfaces per region and groups per interface, whose codes no operation of the sandbox could answer.

use crate::fault::Fault;
use crate::world::World;

pub(crate) struct Quota {
    /// Its name in a faults file: the code itself where no other quota has it.
    pub(crate) name: &'static str,
    code: &'static str,
    default: u64,
    /// `{}` is the limit.
    message: &'static str,
    status: u16,
}

const fn quota(code: &'static str, default: u64, message: &'static str) -> Quota {
    Quota { name: code, code, default, message, status: 400 }
}

const fn named(name: &'static str, of: Quota) -> Quota {
    Quota { name, ..of }
}

const fn conflict(of: Quota) -> Quota {
    Quota { status: 409, ..of }
}

pub(crate) const VPCS: Quota = quota("VpcLimitExceeded", 5, "The maximum number of VPCs has been reached.");
pub(crate) const INTERNET_GATEWAYS: Quota =
    quota("InternetGatewayLimitExceeded", 5, "The maximum number of internet gateways has been reached.");
pub(crate) const ADDRESSES: Quota = quota("AddressLimitExceeded", 5, "The maximum number of addresses has been reached.");
pub(crate) const NAT_GATEWAYS: Quota =
    quota("NatGatewayLimitExceeded", 5, "Performing this operation would exceed the limit of {} NAT gateways");
pub(crate) const SUBNETS: Quota = quota("SubnetLimitExceeded", 200, "The maximum number of subnets has been reached.");
pub(crate) const ROUTE_TABLES: Quota =
    quota("RouteTableLimitExceeded", 200, "The maximum number of route tables has been reached.");
pub(crate) const ROUTES: Quota = quota("RouteLimitExceeded", 50, "The maximum number of routes has been reached.");
pub(crate) const SECURITY_GROUPS: Quota =
    quota("SecurityGroupLimitExceeded", 2500, "The maximum number of security groups has been reached.");
pub(crate) const GROUP_RULES: Quota =
    quota("RulesPerSecurityGroupLimitExceeded", 60, "The maximum number of rules per security group has been reached.");
pub(crate) const GATEWAY_ENDPOINTS: Quota =
    quota("VpcEndpointLimitExceeded", 20, "The maximum number of VPC endpoints has been reached.");
pub(crate) const LOAD_BALANCERS: Quota =
    quota("TooManyLoadBalancers", 50, "The maximum number of load balancers has been reached");
pub(crate) const LISTENERS: Quota =
    quota("TooManyListeners", 50, "The maximum number of listeners has been reached on load balancer");
pub(crate) const RULES: Quota = quota("TooManyRules", 100, "The maximum number of rules has been reached");
pub(crate) const TARGET_GROUPS: Quota =
    quota("TooManyTargetGroups", 3000, "The maximum number of target groups has been reached");
pub(crate) const GROUPS_OF_BALANCER: Quota = quota(
    "TooManyUniqueTargetGroupsPerLoadBalancer",
    100,
    "The maximum number of unique target groups that you can associate with a load balancer is '{}'",
);
pub(crate) const TARGETS: Quota =
    quota("TooManyTargets", 1000, "The maximum number of targets that you can register with a target group is '{}'");
pub(crate) const ROLES: Quota = named("iam-roles", iam(1000, "Cannot exceed quota for RolesPerAccount: {}"));
pub(crate) const ATTACHED_POLICIES: Quota =
    named("iam-policies-per-role", iam(10, "Cannot exceed quota for PoliciesPerRole: {}"));
/// Characters of all inline policies of a role together.
pub(crate) const INLINE_POLICIES: Quota =
    named("iam-inline-policy-size", iam(10_240, "Maximum policy size of {} bytes exceeded for role"));
pub(crate) const TRUST_POLICY: Quota = named("iam-trust-policy-size", iam(2048, "Cannot exceed quota for ACLSizePerRole: {}"));
pub(crate) const OIDC_PROVIDERS: Quota =
    named("iam-oidc-providers", iam(100, "Cannot exceed quota for OpenIdConnectProvidersPerAccount: {}"));
pub(crate) const REPOSITORIES: Quota = named(
    "ecr-repositories",
    quota("LimitExceededException", 100_000, "The maximum number of repositories per registry ({}) has been reached"),
);
pub(crate) const IMAGES: Quota = named(
    "ecr-images",
    quota("LimitExceededException", 100_000, "The maximum number of images per repository ({}) has been reached"),
);
pub(crate) const SECRETS: Quota = named(
    "secrets",
    quota("LimitExceededException", 500_000, "You have reached the limit of {} secrets in this account and region."),
);
/// About 100 versions without a stage are kept; more within a day exhaust the quota.
pub(crate) const SECRET_VERSIONS: Quota =
    named("secret-versions", quota("LimitExceededException", 100, "You have reached the limit of {} versions of this secret."));
pub(crate) const DATABASES: Quota =
    quota("InstanceQuotaExceeded", 40, "Cannot create more than {} DB instances in this account and region.");
/// GiB of all instances together.
pub(crate) const DATABASE_STORAGE: Quota = quota(
    "StorageQuotaExceeded",
    102_400,
    "The request would exceed the allowed storage quota of {} GiB across all DB instances.",
);
pub(crate) const DATABASE_SUBNET_GROUPS: Quota =
    quota("DBSubnetGroupQuotaExceeded", 50, "The request would exceed the allowed number of DB subnet groups: {}.");
pub(crate) const PARAMETER_GROUPS: Quota =
    quota("DBParameterGroupQuotaExceeded", 50, "The request would exceed the allowed number of DB parameter groups: {}.");
pub(crate) const SNAPSHOTS: Quota =
    quota("SnapshotQuotaExceeded", 100, "Cannot create more than {} manual snapshots in this account and region.");
pub(crate) const LOG_GROUPS: Quota = named("log-groups", quota("LimitExceededException", 1_000_000, "Resource limit exceeded."));
pub(crate) const CLUSTERS: Quota =
    named("ecs-clusters", quota("ClientException", 10_000, "The maximum number of clusters ({}) has been reached."));
pub(crate) const SERVICES: Quota = named(
    "ecs-services",
    quota("InvalidParameterException", 5000, "The maximum number of services per cluster ({}) has been reached."),
);
pub(crate) const TASKS: Quota = named(
    "ecs-tasks-per-service",
    quota("InvalidParameterException", 5000, "The desired count exceeds the limit of {} tasks per service."),
);
/// A new account has 6 and waits for more; the sandbox's account got 4000, so that a whole stack may roll out at once.
pub(crate) const FARGATE_VCPUS: Quota = named(
    "fargate-vcpus",
    quota("VcpuLimitExceeded", 4000, "You've reached the limit on the number of vCPUs you can run concurrently"),
);
pub(crate) const FILE_SYSTEMS: Quota =
    quota("FileSystemLimitExceeded", 1000, "You have reached the limit of {} file systems in this account and region.");
pub(crate) const BUCKETS: Quota = quota("TooManyBuckets", 10_000, "You have attempted to create more buckets than allowed");
pub(crate) const DISTRIBUTIONS: Quota =
    quota("TooManyDistributions", 200, "Your request would cause you to exceed the maximum number of distributions allowed.");
pub(crate) const ORIGIN_ACCESS_CONTROLS: Quota = quota(
    "TooManyOriginAccessControls",
    100,
    "The number of origin access controls in your Amazon Web Services account exceeds the maximum allowed.",
);
pub(crate) const FUNCTIONS: Quota = quota(
    "TooManyFunctions",
    100,
    "You have reached the maximum number of CloudFront functions for this Amazon Web Services account.",
);
pub(crate) const BEHAVIORS: Quota =
    quota("TooManyCacheBehaviors", 25, "You cannot create more cache behaviors for the distribution.");
pub(crate) const ORIGINS: Quota = quota("TooManyOrigins", 25, "You cannot create more origins for the distribution.");
pub(crate) const ALIASES: Quota =
    quota("TooManyDistributionCNAMEs", 100, "Your request contains more CNAMEs than are allowed per distribution.");
pub(crate) const NAMESPACES: Quota =
    quota("ResourceLimitExceeded", 50, "The resource can't be created because you've reached the quota of {} namespaces.");

const fn iam(default: u64, message: &'static str) -> Quota {
    conflict(quota("LimitExceeded", default, message))
}

const ALL: &[&Quota] = &[
    &VPCS,
    &INTERNET_GATEWAYS,
    &ADDRESSES,
    &NAT_GATEWAYS,
    &SUBNETS,
    &ROUTE_TABLES,
    &ROUTES,
    &SECURITY_GROUPS,
    &GROUP_RULES,
    &GATEWAY_ENDPOINTS,
    &LOAD_BALANCERS,
    &LISTENERS,
    &RULES,
    &TARGET_GROUPS,
    &GROUPS_OF_BALANCER,
    &TARGETS,
    &ROLES,
    &ATTACHED_POLICIES,
    &INLINE_POLICIES,
    &TRUST_POLICY,
    &OIDC_PROVIDERS,
    &REPOSITORIES,
    &IMAGES,
    &SECRETS,
    &SECRET_VERSIONS,
    &DATABASES,
    &DATABASE_STORAGE,
    &DATABASE_SUBNET_GROUPS,
    &PARAMETER_GROUPS,
    &SNAPSHOTS,
    &LOG_GROUPS,
    &CLUSTERS,
    &SERVICES,
    &TASKS,
    &FARGATE_VCPUS,
    &FILE_SYSTEMS,
    &BUCKETS,
    &DISTRIBUTIONS,
    &ORIGIN_ACCESS_CONTROLS,
    &FUNCTIONS,
    &BEHAVIORS,
    &ORIGINS,
    &ALIASES,
    &NAMESPACES,
];

/// The names that a faults file may set.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|quota| quota.name)
}

impl Quota {
    pub(crate) fn limit(&self, world: &World) -> u64 {
        world.faults.quotas.get(self.name).copied().unwrap_or(self.default)
    }

    /// # Errors
    /// When there are `have` already and no more are allowed.
    pub(crate) fn one_more(&self, world: &World, have: usize) -> Result<(), Fault> {
        self.at_most(world, have as u64 + 1)
    }

    /// # Errors
    /// When `wanted` is more than the limit.
    pub(crate) fn at_most(&self, world: &World, wanted: u64) -> Result<(), Fault> {
        let limit = self.limit(world);
        if wanted <= limit { Ok(()) } else { Err(self.exceeded(limit)) }
    }

    /// The same for code that holds a part of the world already.
    pub(crate) fn one_more_than(&self, limit: u64, have: usize) -> Result<(), Fault> {
        if (have as u64) < limit { Ok(()) } else { Err(self.exceeded(limit)) }
    }

    fn exceeded(&self, limit: u64) -> Fault {
        Fault::new(self.code, self.message.replace("{}", &limit.to_string())).status(self.status)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ALL;

    #[test]
    fn every_quota_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ALL.iter().map(|quota| quota.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
