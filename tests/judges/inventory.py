"""Everything that somebody would have to delete by hand, as lines, read by boto3.

Ghosts that AWS still shows for a while are left out: deleted NAT gateways, INACTIVE services and clusters, task definitions on their way out.
"""


def pages(client, operation, key, **arguments):
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page.get(key) or []]


def inventory(client):
    """`client(service)` gives a boto3 client."""
    return sorted(line for kind, names in objects(client) for line in (f"{kind} {name}" for name in names))


def objects(client):
    ec2, ecs, elb, iam, cloudfront = (client(name) for name in ("ec2", "ecs", "elbv2", "iam", "cloudfront"))
    yield "vpc", (one["VpcId"] for one in pages(ec2, "describe_vpcs", "Vpcs"))
    yield "subnet", (one["SubnetId"] for one in pages(ec2, "describe_subnets", "Subnets"))
    yield "internet-gateway", (one["InternetGatewayId"] for one in pages(ec2, "describe_internet_gateways", "InternetGateways"))
    gateways = pages(ec2, "describe_nat_gateways", "NatGateways")
    yield "nat-gateway", (one["NatGatewayId"] for one in gateways if one["State"] not in ("deleted", "failed"))
    yield "address", (one["AllocationId"] for one in ec2.describe_addresses()["Addresses"])
    yield "route-table", (one["RouteTableId"] for one in pages(ec2, "describe_route_tables", "RouteTables"))
    yield "security-group", (one["GroupId"] for one in pages(ec2, "describe_security_groups", "SecurityGroups"))
    yield "security-group-rule", (one["SecurityGroupRuleId"] for one in pages(ec2, "describe_security_group_rules", "SecurityGroupRules"))
    yield "network-interface", (one["NetworkInterfaceId"] for one in pages(ec2, "describe_network_interfaces", "NetworkInterfaces"))
    endpoints = pages(ec2, "describe_vpc_endpoints", "VpcEndpoints")
    yield "vpc-endpoint", (one["VpcEndpointId"] for one in endpoints if one["State"].lower() not in ("deleted", "deleting"))

    roles = pages(iam, "list_roles", "Roles")
    # AWS makes these itself, once for an account, and they stay.
    yield "role", (one["RoleName"] for one in roles if not one["Path"].startswith("/aws-service-role/"))
    yield "oidc-provider", (one["Arn"] for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"])
    yield "repository", (one["repositoryName"] for one in pages(client("ecr"), "describe_repositories", "repositories"))
    yield "secret", (one["Name"] for one in pages(client("secretsmanager"), "list_secrets", "SecretList", IncludePlannedDeletion=True))
    yield "log-group", (one["logGroupName"] for one in pages(client("logs"), "describe_log_groups", "logGroups"))
    rds = client("rds")
    yield "database", (one["DBInstanceIdentifier"] for one in pages(rds, "describe_db_instances", "DBInstances"))
    yield "database-subnets", (one["DBSubnetGroupName"] for one in pages(rds, "describe_db_subnet_groups", "DBSubnetGroups"))
    yield "namespace", (one["Name"] for one in pages(client("servicediscovery"), "list_namespaces", "Namespaces"))

    clusters = pages(ecs, "list_clusters", "clusterArns")
    found = ecs.describe_clusters(clusters=clusters)["clusters"] if clusters else []
    active = [one["clusterArn"] for one in found if one["status"] == "ACTIVE"]
    yield "cluster", active
    for cluster in active:
        names = pages(ecs, "list_services", "serviceArns", cluster=cluster)
        for start in range(0, len(names), 10):
            services = ecs.describe_services(cluster=cluster, services=names[start:start + 10])["services"]
            yield "service", (one["serviceArn"] for one in services if one["status"] != "INACTIVE")
        yield "task", pages(ecs, "list_tasks", "taskArns", cluster=cluster)
    for status in ("ACTIVE", "INACTIVE"):
        yield "task-definition", pages(ecs, "list_task_definitions", "taskDefinitionArns", status=status)

    balancers = pages(elb, "describe_load_balancers", "LoadBalancers")
    yield "load-balancer", (one["LoadBalancerArn"] for one in balancers)
    for balancer in balancers:
        listeners = pages(elb, "describe_listeners", "Listeners", LoadBalancerArn=balancer["LoadBalancerArn"])
        yield "listener", (one["ListenerArn"] for one in listeners)
    yield "target-group", (one["TargetGroupArn"] for one in pages(elb, "describe_target_groups", "TargetGroups"))

    yield "bucket", (one["Name"] for one in client("s3").list_buckets()["Buckets"])
    yield "distribution", (one["Id"] for one in listed(cloudfront.list_distributions, "DistributionList"))
    yield "function", (one["Name"] for one in listed(cloudfront.list_functions, "FunctionList"))
    yield "access-control", (one["Id"] for one in listed(cloudfront.list_origin_access_controls, "OriginAccessControlList"))


def listed(call, key):
    """CloudFront's lists, which are not all paginated in botocore; a page holds 100."""
    reply = call()[key]
    assert not reply.get("IsTruncated"), f"more than one page of {key}"
    return reply.get("Items") or []
