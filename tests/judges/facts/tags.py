"""Tags: on everything that can carry them, read from the service that owns the object and not from the tagging index."""
from collections import Counter
from functools import lru_cache

from expected import ENV, PREFIX, PROJECT
from facts import fact, tags_of
from inventory import pages
from report import equal


@lru_cache
def tagged(stack):
    """Service → name → tags."""
    client = stack.client
    ec2 = {}
    in_vpc = {"Subnets": "describe_subnets", "SecurityGroups": "describe_security_groups"}
    for key, operation in in_vpc.items():
        ec2.update({name(one): tags_of(one) for one in stack.in_vpc(operation, key) if one.get("GroupName") != "default"})
    for one in [stack.vpc, *stack.endpoints, *stack.nat_gateways, *client("ec2").describe_addresses()["Addresses"]]:
        ec2[name(one)] = tags_of(one)
    gateways = pages(client("ec2"), "describe_internet_gateways", "InternetGateways")
    attached = [one for one in gateways if any(two["VpcId"] == stack.vpc["VpcId"] for two in one["Attachments"])]
    tables = [one for one in stack.route_tables if not any(association["Main"] for association in one["Associations"])]
    ec2.update({name(one): tags_of(one) for one in [*attached, *tables]})
    groups = {one["GroupId"] for one in stack.groups.values()}
    rules = pages(client("ec2"), "describe_security_group_rules", "SecurityGroupRules")
    # What may go out is a setting of its group and no object of its own.
    inbound = [one for one in rules if one["GroupId"] in groups and not one["IsEgress"]]

    iam = {role: tags_of({"Tags": one["tags"]}) for role, one in stack.roles.items()}
    for one in client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam[one["Arn"]] = tags_of(client("iam").list_open_id_connect_provider_tags(OpenIDConnectProviderArn=one["Arn"]))

    elb = client("elbv2")
    arns = [*(one["LoadBalancerArn"] for one in stack.balancers.values()), *stack.target_groups, *(one["RuleArn"] for one in stack.rules)]
    arns += [one["ListenerArn"] for balancer in ("alb", "nlb") for one in stack.listeners(balancer).values()]
    edge = {}
    for start in range(0, len(arns), 20):
        found = elb.describe_tags(ResourceArns=arns[start:start + 20])["TagDescriptions"]
        edge.update({one["ResourceArn"]: tags_of(one) for one in found})

    [cluster] = client("ecs").describe_clusters(clusters=[PREFIX], include=["TAGS"])["clusters"]
    [namespace] = pages(client("servicediscovery"), "list_namespaces", "Namespaces")
    secrets = pages(client("secretsmanager"), "list_secrets", "SecretList")
    rds = client("rds")
    subnets = pages(rds, "describe_db_subnet_groups", "DBSubnetGroups")
    databases = {one: tags_of(rds.list_tags_for_resource(ResourceName=one))
                 for one in [stack.database["DBInstanceArn"], *(two["DBSubnetGroupArn"] for two in subnets)]}
    # What AWS makes by itself carries no tags: Container Insights has a group of its own.
    logs = [one for one in pages(client("logs"), "describe_log_groups", "logGroups") if not one["logGroupName"].startswith("/aws/")]
    distribution = stack.distribution["ARN"]
    return {
        "network": ec2,
        "security group rules": {name(one): tags_of(one) for one in inbound},
        "roles and provider": iam,
        "load balancing": edge,
        "cluster, task definitions and services": {
            PREFIX: tags_of(cluster), **{f"{key} (service)": tags_of(one) for key, one in stack.services.items()},
            **{f"{key} (definition)": tags_of(one) for key, one in stack.definitions.items()}},
        "namespace": {PREFIX: tags_of(client("servicediscovery").list_tags_for_resource(ResourceARN=namespace["Arn"]))},
        "repositories": {key: tags_of(client("ecr").list_tags_for_resource(resourceArn=one["repositoryArn"]))
                         for key, one in stack.repositories.items()},
        "secrets": {one["Name"]: tags_of(one) for one in secrets if one["Name"].startswith(f"{PREFIX}/")},
        "database": databases,
        "log groups": {one["logGroupName"]: client("logs").list_tags_for_resource(resourceArn=one["arn"].removesuffix(":*"))["tags"]
                       for one in logs},
        "bucket": {stack.bucket: tags_of(client("s3").get_bucket_tagging(Bucket=stack.bucket))},
        "distribution": {distribution: {tag["Key"]: tag["Value"] for tag in
                                        client("cloudfront").list_tags_for_resource(Resource=distribution)["Tags"]["Items"]}},
    }


IDS = ("VpcEndpointId", "SecurityGroupRuleId", "SubnetId", "GroupId", "NatGatewayId", "AllocationId", "InternetGatewayId", "RouteTableId", "VpcId")


def name(one):
    """An EC2 object's own id, which stands before the ids of others in `IDS`."""
    if "NatGatewayId" in one:
        return one["NatGatewayId"]
    return next(one[key] for key in IDS if key in one)


# How many there must be of each, so that an empty list cannot pass.
COUNTS = {
    "network": 26, "security group rules": 30, "roles and provider": 26, "load balancing": 16, "cluster, task definitions and services": 24,
    "namespace": 1, "repositories": 12, "secrets": 3, "database": 2, "log groups": 12, "bucket": 1, "distribution": 1,
}


@fact("tags: every object of the {} says project, environment, node and name", each=COUNTS)
def _(stack, kind):
    found = tagged(stack)[kind]
    bad = {name for name, tags in found.items()
           if (tags.get("landing:project"), tags.get("landing:env")) != (PROJECT, ENV) or not tags.get("landing:node") or not tags.get("Name")}
    equal(bad, set())
    equal(len(found), COUNTS[kind])


@fact("tags: no two objects claim the same node")
def _(stack):
    nodes = Counter(tags.get("landing:node") for found in tagged(stack).values() for tags in found.values())
    equal({node for node, count in nodes.items() if count > 1}, set())
