"""What must be true of the reference stack once it stands. Every fact is read by boto3 alone and says in one line what it is.

A file a subject; `built` are the facts of a stack without images, `running` those that tasks add.
"""
from functools import cached_property

from expected import PREFIX, PROJECT
from inventory import pages

BUILT, RUNNING = [], []


def fact(text, each=None, facts=BUILT):
    """Registers a check under its line of text; with `each`, one fact an item, which is put into the text and given to the check."""
    def register(check):
        for item in (None,) if each is None else each:
            facts.append((text.format(item), check, () if item is None else (item,)))
        return check
    return register


def tags_of(holder):
    """A tag list in whatever spelling the service has."""
    tags = holder.get("Tags") or holder.get("tags") or holder.get("TagSet") or holder.get("TagList") or []
    if isinstance(tags, dict):
        return tags
    return {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in tags}


class Stack:
    """The live objects of the stack, each reading made once and only when a fact needs it."""

    def __init__(self, client, given):
        self.client = client
        self.given = given
        """What the run was given, and where it wrote: secret values, state folder, printed text."""

    @cached_property
    def account(self):
        return self.client("sts").get_caller_identity()["Account"]

    def ours(self, operation, key, **arguments):
        """EC2 objects with the stack's tag."""
        found = pages(self.client("ec2"), operation, key, **arguments)
        return [one for one in found if tags_of(one).get("landing:project") == PROJECT]

    @cached_property
    def vpc(self):
        [vpc] = self.ours("describe_vpcs", "Vpcs")
        return vpc

    def in_vpc(self, operation, key):
        return pages(self.client("ec2"), operation, key, Filters=[{"Name": "vpc-id", "Values": [self.vpc["VpcId"]]}])

    @cached_property
    def subnets(self):
        """By range."""
        return {subnet["CidrBlock"]: subnet for subnet in self.in_vpc("describe_subnets", "Subnets")}

    def subnet_ids(self, ranges):
        return {self.subnets[cidr]["SubnetId"] for cidr in ranges}

    @cached_property
    def route_tables(self):
        return self.in_vpc("describe_route_tables", "RouteTables")

    @cached_property
    def nat_gateways(self):
        filters = [{"Name": "vpc-id", "Values": [self.vpc["VpcId"]]}]
        found = pages(self.client("ec2"), "describe_nat_gateways", "NatGateways", Filters=filters)
        return [one for one in found if one["State"] not in ("deleted", "failed")]

    @cached_property
    def endpoints(self):
        found = self.in_vpc("describe_vpc_endpoints", "VpcEndpoints")
        return [one for one in found if one["State"].lower() not in ("deleting", "deleted")]

    @cached_property
    def groups(self):
        """Security groups of the VPC by name, without the prefix; AWS's own is left out."""
        groups = self.in_vpc("describe_security_groups", "SecurityGroups")
        return {one["GroupName"].removeprefix(f"{PREFIX}-"): one for one in groups if one["GroupName"] != "default"}

    @cached_property
    def secrets(self):
        """Ours by name, without the prefix, and `rds` for the one that RDS made."""
        found = pages(self.client("secretsmanager"), "list_secrets", "SecretList")
        named = {one["Name"].removeprefix(f"{PREFIX}/"): one["ARN"] for one in found if one["Name"].startswith(f"{PREFIX}/")}
        return {**named, "rds": self.database["MasterUserSecret"]["SecretArn"]}

    def secret_value(self, name):
        return self.client("secretsmanager").get_secret_value(SecretId=self.secrets[name])["SecretString"]

    @cached_property
    def database(self):
        [database] = pages(self.client("rds"), "describe_db_instances", "DBInstances")
        return database

    @cached_property
    def repositories(self):
        found = pages(self.client("ecr"), "describe_repositories", "repositories")
        return {one["repositoryName"].removeprefix(f"{PREFIX}/"): one for one in found}

    @cached_property
    def definitions(self):
        """The newest revision of every family, by task, with its tags."""
        ecs = self.client("ecs")
        families = pages(ecs, "list_task_definition_families", "families", status="ACTIVE")
        found = [ecs.describe_task_definition(taskDefinition=family, include=["TAGS"]) for family in families]
        return {one["taskDefinition"]["family"].removeprefix(f"{PREFIX}-"): {**one["taskDefinition"], "tags": one["tags"]} for one in found}

    def container(self, task):
        [container] = self.definitions[task]["containerDefinitions"]
        return container

    @cached_property
    def services(self):
        ecs = self.client("ecs")
        names = pages(ecs, "list_services", "serviceArns", cluster=PREFIX)
        found = [one for start in range(0, len(names), 10)
                 for one in ecs.describe_services(cluster=PREFIX, services=names[start:start + 10], include=["TAGS"])["services"]]
        return {one["serviceName"]: one for one in found}

    @cached_property
    def roles(self):
        """Ours by name without the prefix: trust, and the statements of all inline policies."""
        iam = self.client("iam")
        roles = {}
        for role in pages(iam, "list_roles", "Roles"):
            name = role["RoleName"]
            if not name.startswith(f"{PREFIX}-"):
                continue
            policies = pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
            documents = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in policies]
            roles[name.removeprefix(f"{PREFIX}-")] = {
                "arn": role["Arn"],
                "trust": role["AssumeRolePolicyDocument"]["Statement"],
                "statements": [statement for document in documents for statement in document["Statement"]],
                "attached": pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name),
                "tags": iam.list_role_tags(RoleName=name)["Tags"],
            }
        return roles

    @cached_property
    def balancers(self):
        found = pages(self.client("elbv2"), "describe_load_balancers", "LoadBalancers")
        return {one["LoadBalancerName"].removeprefix(f"{PREFIX}-"): one for one in found}

    @cached_property
    def target_groups(self):
        """By ARN."""
        return {one["TargetGroupArn"]: one for one in pages(self.client("elbv2"), "describe_target_groups", "TargetGroups")}

    def targets_of(self, service):
        """Target group by container port, as the ECS service says."""
        return {one["containerPort"]: self.target_groups[one["targetGroupArn"]] for one in self.services[service]["loadBalancers"]}

    def listeners(self, balancer):
        """By port."""
        found = pages(self.client("elbv2"), "describe_listeners", "Listeners", LoadBalancerArn=self.balancers[balancer]["LoadBalancerArn"])
        return {one["Port"]: one for one in found}

    @cached_property
    def rules(self):
        """Of the application load balancer, without the default one."""
        rules = pages(self.client("elbv2"), "describe_rules", "Rules", ListenerArn=self.listeners("alb")[80]["ListenerArn"])
        return [rule for rule in rules if not rule["IsDefault"]]

    @cached_property
    def bucket(self):
        [bucket] = self.client("s3").list_buckets()["Buckets"]
        return bucket["Name"]

    @cached_property
    def distribution(self):
        [found] = self.client("cloudfront").list_distributions()["DistributionList"]["Items"]
        return self.client("cloudfront").get_distribution(Id=found["Id"])["Distribution"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def forwarded(actions):
    """The one target group that listener actions forward to."""
    [action] = actions
    assert action["Type"] == "forward", action
    groups = [one["TargetGroupArn"] for one in action.get("ForwardConfig", {}).get("TargetGroups", [])]
    assert set(groups) <= {action.get("TargetGroupArn", *groups)}, action
    return action.get("TargetGroupArn") or groups[0]


from facts import containers, database, deploy, edge, groups, network, secrets, site, tags  # noqa: E402,F401  they register their facts
