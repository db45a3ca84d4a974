"""Every quota, set low by `quotas.toml`: what fits is made, one more is refused with AWS's code."""
import copy
import json

from _aws import client, network, refused, trust, until
from cloudfront import config

REGION = "us-west-2"


def networking(vpc, subnets):
    ec2 = client("ec2")
    error = refused("VpcLimitExceeded", ec2.create_vpc, CidrBlock="10.9.0.0/16")
    assert error.response["Error"]["Message"] == "The maximum number of VPCs has been reached."
    refused("InternetGatewayLimitExceeded", ec2.create_internet_gateway)
    refused("SubnetLimitExceeded", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.9.0/24")
    refused("SecurityGroupLimitExceeded", ec2.create_security_group, VpcId=vpc, GroupName="more", Description="more")
    address = ec2.allocate_address()["AllocationId"]
    refused("AddressLimitExceeded", ec2.allocate_address)
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    refused("NatGatewayLimitExceeded", ec2.create_nat_gateway, SubnetId=subnets[2], AllocationId=address)
    # The quota is one of the zone, and what is gone does not count.
    elsewhere = ec2.create_nat_gateway(SubnetId=subnets[1], AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 0.2})
    ec2.create_nat_gateway(SubnetId=subnets[2], AllocationId=address)
    ec2.delete_nat_gateway(NatGatewayId=elsewhere)

    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    refused("RouteTableLimitExceeded", ec2.create_route_table, VpcId=vpc)
    gateway = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"][0]["InternetGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    refused("RouteLimitExceeded", ec2.create_route, RouteTableId=table, DestinationCidrBlock="1.0.0.0/8", GatewayId=gateway)
    endpoint = dict(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")
    ec2.create_vpc_endpoint(**endpoint)
    refused("VpcEndpointLimitExceeded", ec2.create_vpc_endpoint, **endpoint)


def rules_of_a_group(group):
    ec2 = client("ec2")
    allow = lambda port, **source: ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}])
    everybody, everybody6 = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    allow(80, **everybody)
    allow(81, **everybody)
    refused("RulesPerSecurityGroupLimitExceeded", allow, port=82, **everybody)
    # The families count apart, a group counts in both, and CloudFront's list weighs 55 rules.
    allow(80, **everybody6)
    refused("RulesPerSecurityGroupLimitExceeded", allow, port=82, UserIdGroupPairs=[{"GroupId": group}])
    cloudfront = [it for it in ec2.describe_managed_prefix_lists()["PrefixLists"] if "cloudfront" in it["PrefixListName"]][0]["PrefixListId"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **everybody} for port in (80, 81)])
    refused("RulesPerSecurityGroupLimitExceeded", allow, port=443, PrefixListIds=[{"PrefixListId": cloudfront}])


def load_balancing(vpc, subnets):
    elb = client("elbv2")
    balancer = elb.create_load_balancer(Name="one", Subnets=subnets[:2])["LoadBalancers"][0]["LoadBalancerArn"]
    refused("TooManyLoadBalancers", elb.create_load_balancer, Name="two", Subnets=subnets[:2])
    target = lambda name: elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    a, b = target("a"), target("b")
    refused("TooManyTargetGroups", target, name="c")
    elb.register_targets(TargetGroupArn=a, Targets=[{"Id": "10.0.0.5"}])
    refused("TooManyTargets", elb.register_targets, TargetGroupArn=a, Targets=[{"Id": "10.0.0.6"}])
    forward = lambda group: [{"Type": "forward", "TargetGroupArn": group}]
    listen = lambda port: elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=forward(a))["Listeners"][0]["ListenerArn"]
    listener = listen(80)
    refused("TooManyListeners", listen, port=81)
    rule = lambda priority, group: elb.create_rule(ListenerArn=listener, Priority=priority, Actions=forward(group),
                                                   Conditions=[{"Field": "path-pattern", "Values": [f"/{priority}"]}])
    refused("TooManyUniqueTargetGroupsPerLoadBalancer", rule, priority=1, group=b)
    rule(1, a)
    refused("TooManyRules", rule, priority=2, group=a)
    return target


def identities():
    iam = client("iam")
    make = lambda name, **more: iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ecs-tasks", **more))
    refused("LimitExceeded", make, name="wordy", Sid="x" * 300)
    role = make("only")["Role"]["Arn"]
    error = refused("LimitExceeded", make, name="more")
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409 and "RolesPerAccount: 1" in str(error)
    attach = lambda name: iam.attach_role_policy(RoleName="only", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    attach("ReadOnlyAccess")
    attach("ReadOnlyAccess")
    refused("LimitExceeded", attach, name="PowerUserAccess")
    policy = lambda resource: json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}]})
    put = lambda name, size: iam.put_role_policy(RoleName="only", PolicyName=name, PolicyDocument=policy("arn:aws:s3:::" + "b" * size))
    put("a", 60)
    put("a", 61)
    refused("LimitExceeded", put, name="b", size=60)
    iam.create_open_id_connect_provider(Url="https://one.example")
    refused("LimitExceeded", iam.create_open_id_connect_provider, Url="https://two.example")
    return role


def storage():
    ecr, sm, logs, s3 = (client(name) for name in ("ecr", "secretsmanager", "logs", "s3"))
    ecr.create_repository(repositoryName="one")
    refused("LimitExceededException", ecr.create_repository, repositoryName="two")
    push = lambda layers: ecr.put_image(repositoryName="one", imageManifest=json.dumps({"layers": layers}), imageTag=f"v{len(layers)}")
    push([])
    refused("LimitExceededException", push, layers=[{"size": 1}])
    sm.create_secret(Name="one", SecretString="1")
    refused("LimitExceededException", sm.create_secret, Name="two")
    sm.put_secret_value(SecretId="one", SecretString="2")
    refused("LimitExceededException", sm.put_secret_value, SecretId="one", SecretString="3")
    refused("LimitExceededException", sm.update_secret, SecretId="one", SecretString="3")
    logs.create_log_group(logGroupName="/one")
    refused("LimitExceededException", logs.create_log_group, logGroupName="/two")
    here = {"LocationConstraint": REGION}
    client("efs").create_file_system(CreationToken="one")
    refused("FileSystemLimitExceeded", client("efs").create_file_system, CreationToken="two")
    s3.create_bucket(Bucket="only-bucket", CreateBucketConfiguration=here)
    refused("TooManyBuckets", s3.create_bucket, Bucket="second-bucket", CreateBucketConfiguration=here)


def databases(subnets):
    rds = client("rds")
    group = lambda name: rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=subnets[:2])
    group("one")
    refused("DBSubnetGroupQuotaExceeded", group, name="two")
    parameters = lambda name: rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres16", Description="x")
    parameters("one")
    refused("DBParameterGroupQuotaExceeded", parameters, name="two")
    make = lambda name, size=20: rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=size, MasterUsername="me",
        MasterUserPassword="long-enough", DBSubnetGroupName="one")
    refused("StorageQuotaExceeded", make, name="big", size=40)
    for snapshot in ("first", "second"):
        make("db")
        refused("InstanceQuotaExceeded", make, name="more")
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 0.2, "MaxAttempts": 200})
        end = dict(DBInstanceIdentifier="db", FinalDBSnapshotIdentifier=snapshot)
        if snapshot == "second":
            refused("DBSnapshotAlreadyExists", rds.delete_db_instance, **dict(end, FinalDBSnapshotIdentifier="first"))
            refused("SnapshotQuotaExceeded", rds.delete_db_instance, **end)
            end = dict(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
        rds.delete_db_instance(**end)
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 0.2, "MaxAttempts": 200})


def containers(subnets):
    ecs, sd = client("ecs"), client("servicediscovery")
    sd.create_http_namespace(Name="one")
    refused("ResourceLimitExceeded", sd.create_http_namespace, Name="two")
    ecs.create_cluster(clusterName="one")
    refused("ClientException", ecs.create_cluster, clusterName="two")
    until(lambda: ecs.describe_clusters(clusters=["one"])["clusters"][0]["status"] == "ACTIVE")
    ecs.register_task_definition(family="web", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="512", memory="1024",
                                 containerDefinitions=[{"name": "web", "image": "public/web:1"}])
    where = dict(cluster="one", taskDefinition="web", launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}})
    refused("InvalidParameterException", ecs.create_service, serviceName="web", desiredCount=5, **where)
    ecs.create_service(serviceName="web", desiredCount=3, **where)
    refused("InvalidParameterException", ecs.create_service, serviceName="more", desiredCount=0, **where)
    refused("InvalidParameterException", ecs.update_service, cluster="one", service="web", desiredCount=5)
    # Two tasks of half a vCPU fit into one; the third waits, and RunTask answers 200 without a task.
    show = lambda: ecs.describe_services(cluster="one", services=["web"])["services"][0]
    until(lambda: show()["runningCount"] == 2)
    assert any("limit on the number of vCPUs" in event["message"] for event in show()["events"]) and show()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    answer = ecs.run_task(**where)
    assert not answer["tasks"] and "limit on the number of vCPUs" in answer["failures"][0]["reason"]
    ecs.delete_service(cluster="one", service="web", force=True)


def edge():
    cf = client("cloudfront")
    control = {"Name": "one", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
    access = cf.create_origin_access_control(OriginAccessControlConfig=control)["OriginAccessControl"]["Id"]
    refused("TooManyOriginAccessControls", cf.create_origin_access_control, OriginAccessControlConfig=dict(control, Name="two"))
    function = lambda name: cf.create_function(Name=name, FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=b"x")
    function("one")
    refused("TooManyFunctions", function, name="two")
    make = lambda wanted: cf.create_distribution(DistributionConfig=wanted)
    more = lambda key: _with_one_more(config("r1", access), key)
    refused("TooManyOrigins", make, wanted=more("Origins"))
    refused("TooManyCacheBehaviors", make, wanted=more("CacheBehaviors"))
    refused("TooManyDistributionCNAMEs", make, wanted={**config("r1", access), "Aliases": {"Quantity": 2, "Items": ["a.example", "b.example"]}})
    make(config("r1", access))
    refused("TooManyDistributions", make, wanted=config("r2", access))


def _with_one_more(wanted, key):
    items = wanted[key]["Items"]
    last = copy.deepcopy(items[-1])
    last["Id" if key == "Origins" else "PathPattern"] = "/third"
    wanted[key] = {"Quantity": len(items) + 1, "Items": [*items, last]}
    return wanted


def main():
    vpc, subnets, group = network()
    networking(vpc, subnets)
    rules_of_a_group(group)
    load_balancing(vpc, subnets)
    identities()
    storage()
    databases(subnets)
    containers(subnets)
    edge()


if __name__ == "__main__":
    main()
