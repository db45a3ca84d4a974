"""A whole landing zone by boto3 alone: up with AWS's own waiters, down in the order that AWS asks for, and the account is as it was."""
import json
import sys
from pathlib import Path

import botocore.session
from _aws import client, refused, tagged, trust, until
from botocore.exceptions import UnknownServiceError

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests" / "judges"))
import coverage
from inventory import inventory

REGION, ACCOUNT = "us-west-2", "123456789012"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MANIFEST = json.dumps({"schemaVersion": 2, "config": {"size": 1}, "layers": [{"size": 2}]})
# Interfaces of the sandbox belong to services, so none is ever free to be attached.
NEVER_TRUE = {("ec2", "NetworkInterfaceAvailable")}
# A zone that leaves nothing makes no snapshots; the story of RDS does.
ELSEWHERE = {("rds", "DBSnapshotAvailable"), ("rds", "DBSnapshotCompleted"), ("rds", "DBSnapshotDeleted")}


class Zone:
    """Clients, the waiters that were used, and what was made, by name."""

    def __init__(self):
        self.clients, self.waited = {}, set()

    def __call__(self, service):
        return self.clients.setdefault(service, client(service))

    def wait(self, service, name, **what):
        camel = "".join(part.capitalize() for part in name.split("_"))
        names = botocore.session.get_session().get_waiter_model(service).waiter_names
        self.waited |= {(service, known) for known in names if known.lower() == camel.lower()}
        self(service).get_waiter(name).wait(**what, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})


def network(z):
    ec2 = z("ec2")
    z.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", Name="zone"))["Vpc"]["VpcId"]
    z.wait("ec2", "vpc_exists", VpcIds=[z.vpc])
    z.wait("ec2", "vpc_available", VpcIds=[z.vpc])
    ec2.modify_vpc_attribute(VpcId=z.vpc, EnableDnsHostnames={"Value": True})
    z.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    z.wait("ec2", "internet_gateway_exists", InternetGatewayIds=[z.gateway])
    ec2.attach_internet_gateway(InternetGatewayId=z.gateway, VpcId=z.vpc)
    subnet = lambda number, letter: ec2.create_subnet(VpcId=z.vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{letter}")["Subnet"]["SubnetId"]
    z.public, z.private = [subnet(0, "a"), subnet(1, "b")], [subnet(10, "a"), subnet(11, "b")]
    z.wait("ec2", "subnet_available", SubnetIds=z.public + z.private)
    z.address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    z.nat = ec2.create_nat_gateway(SubnetId=z.public[0], AllocationId=z.address)["NatGateway"]["NatGatewayId"]
    z.wait("ec2", "nat_gateway_available", NatGatewayIds=[z.nat])
    z.tables = []
    for subnets, way in ((z.public, {"GatewayId": z.gateway}), (z.private, {"NatGatewayId": z.nat})):
        table = ec2.create_route_table(VpcId=z.vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **way)
        z.tables.append((table, [ec2.associate_route_table(RouteTableId=table, SubnetId=it)["AssociationId"] for it in subnets]))
    z.endpoint = ec2.create_vpc_endpoint(VpcId=z.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[z.tables[1][0]])["VpcEndpoint"]["VpcEndpointId"]
    group = lambda name: ec2.create_security_group(VpcId=z.vpc, GroupName=name, Description=name)["GroupId"]
    z.groups = {name: group(name) for name in ("alb", "web", "db")}
    z.wait("ec2", "security_group_exists", GroupIds=list(z.groups.values()))
    open_to = lambda name, port, **source: ec2.authorize_security_group_ingress(
        GroupId=z.groups[name], IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}])
    z.rules = []
    open_to("alb", 80, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    for to, port, source in (("web", 8080, "alb"), ("db", 5432, "web"), ("alb", 8081, "web")):
        made = open_to(to, port, UserIdGroupPairs=[{"GroupId": z.groups[source]}])["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        z.rules.append((to, made))


def identities(z):
    iam = z("iam")
    z.provider = iam.create_open_id_connect_provider(Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]
    deploy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": z.provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}}]}
    z.roles = {}
    for name, document in (("exec", trust("ecs-tasks")), ("task", trust("ecs-tasks")), ("deploy", json.dumps(deploy))):
        z.roles[name] = iam.create_role(RoleName=f"zone-{name}", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        z.wait("iam", "role_exists", RoleName=f"zone-{name}")
    z.managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam.attach_role_policy(RoleName="zone-exec", PolicyArn=z.managed)
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}
    iam.put_role_policy(RoleName="zone-exec", PolicyName="secrets", PolicyDocument=json.dumps(allow))


def storage(z):
    z("ecr").create_repository(repositoryName="zone/web")
    z("ecr").put_image(repositoryName="zone/web", imageManifest=MANIFEST, imageTag="latest")
    z.secret = z("secretsmanager").create_secret(Name="zone/key", SecretString=json.dumps({"key": "1"}))["ARN"]
    z("logs").create_log_group(logGroupName="/zone/web")
    z("logs").put_retention_policy(logGroupName="/zone/web", retentionInDays=14)


def database(z):
    rds = z("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="zone", DBSubnetGroupDescription="zone", SubnetIds=z.private)
    rds.create_db_parameter_group(DBParameterGroupName="zone", DBParameterGroupFamily="postgres16", Description="zone")
    rds.create_db_instance(DBInstanceIdentifier="zone", DBInstanceClass="db.t4g.micro", Engine="postgres", EngineVersion="16", AllocatedStorage=20,
                           MasterUsername="zone", ManageMasterUserPassword=True, DBSubnetGroupName="zone", DBParameterGroupName="zone",
                           VpcSecurityGroupIds=[z.groups["db"]], PubliclyAccessible=False)
    z.wait("rds", "db_instance_available", DBInstanceIdentifier="zone")


def balancer(z):
    elb = z("elbv2")
    made = elb.create_load_balancer(Name="zone", Subnets=z.public, SecurityGroups=[z.groups["alb"]])["LoadBalancers"][0]
    z.balancer, z.dns = made["LoadBalancerArn"], made["DNSName"]
    z.wait("elbv2", "load_balancer_exists", LoadBalancerArns=[z.balancer])
    z.target = elb.create_target_group(Name="zone", Protocol="HTTP", Port=8080, VpcId=z.vpc, TargetType="ip", HealthCheckIntervalSeconds=10,
                                       HealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(TargetGroupArn=z.target, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}])
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    z.listener = elb.create_listener(LoadBalancerArn=z.balancer, Protocol="HTTP", Port=80, DefaultActions=fixed)["Listeners"][0]["ListenerArn"]
    z.rule = elb.create_rule(ListenerArn=z.listener, Priority=1, Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}],
                             Actions=[{"Type": "forward", "TargetGroupArn": z.target}])["Rules"][0]["RuleArn"]
    z.wait("elbv2", "load_balancer_available", LoadBalancerArns=[z.balancer])


def services(z):
    ecs = z("ecs")
    ecs.create_cluster(clusterName="zone", serviceConnectDefaults={"namespace": "zone.local"})
    until(lambda: ecs.describe_clusters(clusters=["zone"])["clusters"][0]["status"] == "ACTIVE")
    web = {"name": "web", "image": f"{REGISTRY}/zone/web:latest", "portMappings": [{"name": "http", "containerPort": 8080}],
           "secrets": [{"name": "KEY", "valueFrom": f"{z.secret}:key::"}],
           "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/zone/web", "awslogs-region": REGION, "awslogs-stream-prefix": "web"}}}
    z.definition = ecs.register_task_definition(
        family="zone-web", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512", executionRoleArn=z.roles["exec"],
        taskRoleArn=z.roles["task"], containerDefinitions=[web])["taskDefinition"]["taskDefinitionArn"]
    net = {"awsvpcConfiguration": {"subnets": z.private, "securityGroups": [z.groups["web"]]}}
    job = ecs.run_task(cluster="zone", taskDefinition=z.definition, launchType="FARGATE", networkConfiguration=net)["tasks"][0]["taskArn"]
    z.wait("ecs", "tasks_running", cluster="zone", tasks=[job])
    ecs.create_service(cluster="zone", serviceName="web", taskDefinition=z.definition, desiredCount=2, launchType="FARGATE", networkConfiguration=net,
                       loadBalancers=[{"targetGroupArn": z.target, "containerName": "web", "containerPort": 8080}],
                       serviceConnectConfiguration={"enabled": True, "services": [{"portName": "http", "clientAliases": [{"port": 80, "dnsName": "web"}]}]})
    z.wait("ecs", "tasks_stopped", cluster="zone", tasks=[job])
    assert ecs.describe_tasks(cluster="zone", tasks=[job])["tasks"][0]["containers"][0]["exitCode"] == 0
    z.wait("ecs", "services_stable", cluster="zone", services=["web"])
    z.wait("elbv2", "target_in_service", TargetGroupArn=z.target)


def edge(z):
    s3, cf = z("s3"), z("cloudfront")
    z.wait("s3", "bucket_not_exists", Bucket="zone-spa")
    s3.create_bucket(Bucket="zone-spa", CreateBucketConfiguration={"LocationConstraint": REGION})
    z.wait("s3", "bucket_exists", Bucket="zone-spa")
    s3.put_object(Bucket="zone-spa", Key="index.html", Body=b"<html>", ContentType="text/html")
    z.wait("s3", "object_exists", Bucket="zone-spa", Key="index.html")
    control = {"Name": "zone", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
    z.control = cf.create_origin_access_control(OriginAccessControlConfig=control)["OriginAccessControl"]["Id"]
    function = cf.create_function(Name="zone", FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=b"function handler(e) { return e.request }")
    arn = function["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    cf.publish_function(Name="zone", IfMatch=function["ETag"])
    site = {"TargetOriginId": "spa", "ViewerProtocolPolicy": "redirect-to-https", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "FunctionAssociations": {"Quantity": 1, "Items": [{"FunctionARN": arn, "EventType": "viewer-request"}]}}
    origins = [{"Id": "spa", "DomainName": f"zone-spa.s3.{REGION}.amazonaws.com", "OriginAccessControlId": z.control, "S3OriginConfig": {"OriginAccessIdentity": ""}},
               {"Id": "alb", "DomainName": z.dns, "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}}]
    made = cf.create_distribution(DistributionConfig={
        "CallerReference": "zone", "Comment": "zone", "Enabled": True, "Origins": {"Quantity": 2, "Items": origins}, "DefaultCacheBehavior": site})["Distribution"]
    z.distribution = made["Id"]
    z.wait("cloudfront", "distribution_deployed", Id=z.distribution)
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::zone-spa/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": made["ARN"]}}}]}
    s3.put_bucket_policy(Bucket="zone-spa", Policy=json.dumps(policy))
    batch = {"CallerReference": "i1", "Paths": {"Quantity": 1, "Items": ["/*"]}}
    invalidation = cf.create_invalidation(DistributionId=z.distribution, InvalidationBatch=batch)["Invalidation"]["Id"]
    z.wait("cloudfront", "invalidation_completed", DistributionId=z.distribution, Id=invalidation)


def down(z):
    """Section 15.1 of the catalogue, with a look at what each step waits for."""
    ec2, ecs, elb, rds, s3, cf, iam = (z(name) for name in ("ec2", "ecs", "elbv2", "rds", "s3", "cloudfront", "iam"))
    ecs.delete_service(cluster="zone", service="web", force=True)
    live = cf.get_distribution_config(Id=z.distribution)
    refused("DistributionNotDisabled", cf.delete_distribution, Id=z.distribution, IfMatch=live["ETag"])
    off = cf.update_distribution(Id=z.distribution, IfMatch=live["ETag"], DistributionConfig={**live["DistributionConfig"], "Enabled": False})
    refused("PreconditionFailed", cf.delete_distribution, Id=z.distribution, IfMatch=live["ETag"])
    refused("DistributionNotDisabled", cf.delete_distribution, Id=z.distribution, IfMatch=off["ETag"])
    rds.delete_db_instance(DBInstanceIdentifier="zone", SkipFinalSnapshot=True)
    refused("ResourceInUse", elb.delete_target_group, TargetGroupArn=z.target)
    elb.delete_load_balancer(LoadBalancerArn=z.balancer)
    ec2.delete_nat_gateway(NatGatewayId=z.nat)
    refused("InvalidIPAddress.InUse", ec2.release_address, AllocationId=z.address)
    refused("DependencyViolation", ec2.detach_internet_gateway, InternetGatewayId=z.gateway, VpcId=z.vpc)
    for group in z.groups.values():
        refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=z.private[0])

    z.wait("ecs", "services_inactive", cluster="zone", services=["web"])
    z.wait("elbv2", "target_deregistered", TargetGroupArn=z.target, Targets=[{"Id": "10.0.10.5", "Port": 8080}])
    z.wait("elbv2", "load_balancers_deleted", LoadBalancerArns=[z.balancer])
    elb.delete_target_group(TargetGroupArn=z.target)
    # The balancer is gone, its interfaces are not.
    refused("DependencyViolation", ec2.delete_security_group, GroupId=z.groups["alb"])
    z.wait("ec2", "nat_gateway_deleted", NatGatewayIds=[z.nat])
    ec2.release_address(AllocationId=z.address)
    z.wait("rds", "db_instance_deleted", DBInstanceIdentifier="zone")
    until(lambda: not ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [z.vpc]}])["NetworkInterfaces"], limit=120)
    rds.delete_db_subnet_group(DBSubnetGroupName="zone")
    rds.delete_db_parameter_group(DBParameterGroupName="zone")
    # Groups that name each other go after the rules that name them.
    refused("DependencyViolation", ec2.delete_security_group, GroupId=z.groups["web"])
    for group, rule in z.rules:
        ec2.revoke_security_group_ingress(GroupId=z.groups[group], SecurityGroupRuleIds=[rule])
    for group in z.groups.values():
        ec2.delete_security_group(GroupId=group)
    refused("DependencyViolation", ec2.delete_internet_gateway, InternetGatewayId=z.gateway)
    ec2.detach_internet_gateway(InternetGatewayId=z.gateway, VpcId=z.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=z.gateway)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[z.endpoint])
    for table, associations in z.tables:
        refused("DependencyViolation", ec2.delete_route_table, RouteTableId=table)
        for association in associations:
            ec2.disassociate_route_table(AssociationId=association)
        ec2.delete_route_table(RouteTableId=table)
    for subnet in z.public + z.private:
        ec2.delete_subnet(SubnetId=subnet)
    until(lambda: not ec2.describe_vpc_endpoints()["VpcEndpoints"])
    ec2.delete_vpc(VpcId=z.vpc)

    ecs.deregister_task_definition(taskDefinition=z.definition)
    ecs.delete_task_definitions(taskDefinitions=[z.definition])
    assert ecs.describe_services(cluster="zone", services=["web"])["services"][0]["status"] == "INACTIVE", "a ghost for an hour"
    assert ecs.delete_cluster(cluster="zone")["cluster"]["status"] == "INACTIVE"
    sd = z("servicediscovery")
    until(lambda: not sd.list_services()["Services"])
    (namespace,) = sd.list_namespaces()["Namespaces"]
    sd.delete_namespace(Id=namespace["Id"])
    z("logs").delete_log_group(logGroupName="/zone/web")
    z("secretsmanager").delete_secret(SecretId="zone/key", ForceDeleteWithoutRecovery=True)
    z("ecr").delete_repository(repositoryName="zone/web", force=True)

    z.wait("cloudfront", "distribution_deployed", Id=z.distribution)
    refused("OriginAccessControlInUse", cf.delete_origin_access_control, Id=z.control, IfMatch=cf.get_origin_access_control(Id=z.control)["ETag"])
    refused("FunctionInUse", cf.delete_function, Name="zone", IfMatch=cf.describe_function(Name="zone")["ETag"])
    cf.delete_distribution(Id=z.distribution, IfMatch=off["ETag"])
    refused("NoSuchDistribution", cf.get_distribution, Id=z.distribution)
    cf.delete_function(Name="zone", IfMatch=cf.describe_function(Name="zone")["ETag"])
    cf.delete_origin_access_control(Id=z.control, IfMatch=cf.get_origin_access_control(Id=z.control)["ETag"])
    refused("BucketNotEmpty", s3.delete_bucket, Bucket="zone-spa")
    s3.delete_object(Bucket="zone-spa", Key="index.html")
    z.wait("s3", "object_not_exists", Bucket="zone-spa", Key="index.html")
    s3.delete_bucket(Bucket="zone-spa")

    refused("DeleteConflict", iam.delete_role, RoleName="zone-exec")
    iam.detach_role_policy(RoleName="zone-exec", PolicyArn=z.managed)
    iam.delete_role_policy(RoleName="zone-exec", PolicyName="secrets")
    for name in z.roles:
        iam.delete_role(RoleName=f"zone-{name}")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=z.provider)


def all_waiters():
    """Every waiter of botocore whose operation the sandbox models."""
    session, modelled = botocore.session.get_session(), coverage.operations()
    found = set()
    for service, name in coverage.NAMES.values():
        try:
            waiters = session.get_waiter_model(name)
        except UnknownServiceError:
            # It has none.
            continue
        found |= {(name, waiter) for waiter in waiters.waiter_names if (service, waiters.get_waiter(waiter).operation) in modelled}
    return found


def main():
    z = Zone()
    before = inventory(z)
    for step in (network, identities, storage, database, balancer, services, edge):
        step(z)
    assert len(inventory(z)) > len(before) + 40
    down(z)
    left = set(inventory(z)) ^ set(before)
    assert not left, f"the account is not as it was: {sorted(left)}"
    unused = all_waiters() - z.waited - NEVER_TRUE - ELSEWHERE
    assert not unused, f"waiters that nobody used: {sorted(unused)}"


if __name__ == "__main__":
    main()
