//! AWS's quotas: which codes say that one is reached, what Service Quotas calls it, and what an account has when nobody asked for more.
//!
//! A quota is never a reason to try again. Source: `aws-behaviours` 17; the names are those of AWS's own lists and were not checked one by one.

struct Quota {
    code: &'static str,
    /// For codes that several quotas share: how the operation begins.
    operation: &'static str,
    name: &'static str,
    default: &'static str,
}

const fn quota(code: &'static str, name: &'static str, default: &'static str) -> Quota {
    Quota { code, operation: "", name, default }
}

const fn of(operation: &'static str, quota: Quota) -> Quota {
    Quota { operation, ..quota }
}

/// The first one that fits counts.
const QUOTAS: &[Quota] = &[
    quota("VpcLimitExceeded", "VPCs per Region", "5"),
    quota("InternetGatewayLimitExceeded", "Internet gateways per Region", "5"),
    quota("AddressLimitExceeded", "EC2-VPC Elastic IPs", "5"),
    quota("NatGatewayLimitExceeded", "NAT gateways per Availability Zone", "5"),
    quota("SubnetLimitExceeded", "Subnets per VPC", "200"),
    quota("RouteTableLimitExceeded", "Route tables per VPC", "200"),
    quota("RouteLimitExceeded", "Routes per route table", "50"),
    of("elasticfilesystem:", quota("SecurityGroupLimitExceeded", "Security groups for each mount target", "5")),
    quota("SecurityGroupLimitExceeded", "VPC security groups per Region", "2,500"),
    quota("RulesPerSecurityGroupLimitExceeded", "Inbound or outbound rules per security group", "60"),
    quota("SecurityGroupsPerInterfaceLimitExceeded", "Security groups per network interface", "5"),
    quota("VpcEndpointLimitExceeded", "Gateway VPC endpoints per Region", "20"),
    quota("NetworkInterfaceLimitExceeded", "Network interfaces per Region", "5,000"),
    quota("TooManyLoadBalancers", "Application (and Network) Load Balancers per Region", "50"),
    quota("TooManyListeners", "Listeners per Application Load Balancer", "50"),
    quota("TooManyRules", "Rules per Application Load Balancer", "100"),
    quota("TooManyTargetGroups", "Target Groups per Region", "3,000"),
    quota("TooManyUniqueTargetGroupsPerLoadBalancer", "Target Groups per Application Load Balancer", "100"),
    quota("TooManyTargets", "Targets per Target Group per Region", "1,000"),
    of("iam:CreateRole", quota("LimitExceeded", "Roles per account", "1,000")),
    of("iam:AttachRolePolicy", quota("LimitExceeded", "Managed policies per role", "10")),
    of("iam:PutRolePolicy", quota("LimitExceeded", "Size of all inline policies of a role, in characters", "10,240")),
    of("iam:UpdateAssumeRolePolicy", quota("LimitExceeded", "Role trust policy length", "2,048")),
    of("iam:CreateOpenIDConnectProvider", quota("LimitExceeded", "OpenId connect providers per account", "100")),
    of("ecr:CreateRepository", quota("LimitExceededException", "Registered repositories", "100,000")),
    of("secretsmanager:CreateSecret", quota("LimitExceededException", "Secrets per Region", "500,000")),
    of("secretsmanager:", quota("LimitExceededException", "Versions per secret", "about 100")),
    of("logs:", quota("LimitExceededException", "Log groups", "1,000,000")),
    of("ecs:CreateCluster", quota("LimitExceededException", "Clusters per account", "10,000")),
    of("ecs:", quota("LimitExceededException", "Services per cluster", "5,000")),
    quota("InstanceQuotaExceeded", "DB instances", "40"),
    quota("StorageQuotaExceeded", "Total storage for all DB instances, in TiB", "100"),
    quota("DBSubnetGroupQuotaExceeded", "DB subnet groups", "50"),
    quota("DBParameterGroupQuotaExceeded", "Parameter groups", "50"),
    quota("FileSystemLimitExceeded", "File systems per account", "1,000"),
    quota("AccessPointLimitExceeded", "Access points for each file system", "10,000"),
    quota("TooManyBuckets", "General purpose buckets", "10,000"),
    quota("TooManyDistributions", "Web distributions per AWS account", "200"),
    quota("TooManyOriginAccessControls", "Origin access controls per AWS account", "100"),
    quota("TooManyCacheBehaviors", "Cache behaviors per distribution", "25"),
    quota("TooManyOrigins", "Origins per distribution", "25"),
    quota("TooManyDistributionCNAMEs", "Alternate domain names (CNAMEs) per distribution", "100"),
    quota("TooManyFunctions", "Functions per AWS account", "100"),
    quota("ResourceLimitExceeded", "Namespaces per Region", "50"),
    quota("LimitExceeded", "", ""),
    quota("LimitExceededException", "", ""),
];

/// Whether a code says that a quota is reached.
pub(crate) fn is_code(code: &str) -> bool {
    QUOTAS.iter().any(|quota| quota.code == code)
}

/// What to do about it, with AWS's name for the quota, so that it can be found in Service Quotas.
pub(crate) fn help(operation: &str, code: &str) -> Option<String> {
    let quota = QUOTAS.iter().find(|quota| quota.code == code && operation.starts_with(quota.operation))?;
    let Quota { name, default, .. } = quota;
    (!name.is_empty()).then(|| {
        format!(
            "AWS's quota \"{name}\" is reached (an account has {default} when nobody asked for more): ask for more in Service Quotas, or delete what \
             is not needed, and run again"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_several_quotas_share_is_told_apart_by_its_operation() {
        assert!(help("iam:CreateRole", "LimitExceeded").unwrap().contains("\"Roles per account\""));
        assert!(help("iam:AttachRolePolicy", "LimitExceeded").unwrap().contains("has 10 when"));
        assert_eq!(help("iam:TagRole", "LimitExceeded"), None, "it is a quota, and the message says which");
        assert!(is_code("LimitExceeded") && !is_code("Throttling"));
    }
}
