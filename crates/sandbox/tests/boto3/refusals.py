"""What the other stories do not meet on their way: the refusals of mistakes, service by service, and the calls that nobody needs every day."""
import json

from _aws import client, network, refused, trust, until
from cloudfront import config

MANY = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
RESERVED = [{"Key": "aws:mine", "Value": "v"}]


def of_ec2():
    ec2 = client("ec2")
    refused("InvalidNextToken", ec2.describe_vpcs, NextToken="nonsense")
    refused("UnknownParameter", ec2.create_vpc, CidrBlock="10.0.0.0/16", Ipv4IpamPoolId="ipam-1")
    refused("UnknownOperationException", ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True)
    refused("UnknownOperationException", ec2.describe_instances)
    vpc, subnets, _ = network()
    endpoint = dict(VpcId=vpc, ServiceName="com.amazonaws.us-west-2.s3")
    refused("InvalidPolicyDocument", ec2.create_vpc_endpoint, **endpoint, PolicyDocument="{")
    elsewhere = ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}])["RouteTables"]
    (stranger,) = [table["RouteTableId"] for table in elsewhere if table["VpcId"] != vpc]
    refused("InvalidParameter", ec2.create_vpc_endpoint, **endpoint, RouteTableIds=[stranger])
    made = ec2.create_vpc_endpoint(**endpoint)["VpcEndpoint"]["VpcEndpointId"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    refused("InvalidVpcEndpoint.InvalidState", ec2.modify_vpc_endpoint, VpcEndpointId=made, ResetPolicy=True)
    # No token, no name: what is asked for twice is there twice.
    for make, key, id in ((ec2.create_internet_gateway, "InternetGateway", "InternetGatewayId"),
                          (lambda: ec2.create_route_table(VpcId=vpc), "RouteTable", "RouteTableId")):
        assert make()[key][id] != make()[key][id]
    # Without a default VPC nobody knows where a group should go.
    (default,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default["VpcId"]]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    (gateway,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [default["VpcId"]]}])["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=default["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_vpc(VpcId=default["VpcId"])
    refused("VPCIdNotSpecified", ec2.create_security_group, GroupName="nowhere", Description="x")
    return vpc, subnets


def of_elbv2(vpc, subnets):
    ec2, elb = client("ec2"), client("elbv2")
    lonely = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    alone = [ec2.create_subnet(VpcId=lonely, CidrBlock=f"10.8.{n}.0/24", AvailabilityZone=f"us-west-2{zone}")["Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
    assert "no internet gateway" in str(refused("InvalidSubnet", elb.create_load_balancer, Name="x", Subnets=alone))
    tiny = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.200.0/28", AvailabilityZone="us-west-2c")["Subnet"]["SubnetId"]
    assert "at least 8 free" in str(refused("InvalidSubnet", elb.create_load_balancer, Name="x", Subnets=[subnets[0], tiny]))
    refused("TooManyTags", elb.create_load_balancer, Name="x", Subnets=subnets[:2], Tags=MANY)
    refused("ValidationError", elb.create_load_balancer, Name="x", Subnets=subnets[:2], Tags=RESERVED)
    balancers = [elb.create_load_balancer(Name=name, Subnets=subnets[:2])["LoadBalancers"][0]["LoadBalancerArn"] for name in "ab"]
    group = elb.create_target_group(Name="g", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    listen = lambda balancer, **more: elb.create_listener(**{**dict(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]), **more})
    listen(balancers[0])
    refused("TargetGroupAssociationLimit", listen, balancer=balancers[1])
    secure = dict(balancer=balancers[1], Protocol="HTTPS", Port=443, DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}])
    refused("CertificateNotFound", listen, **secure, Certificates=[{"CertificateArn": "arn:aws:s3:::none"}])
    certificate = [{"CertificateArn": "arn:aws:acm:us-west-2:123456789012:certificate/1"}]
    refused("SSLPolicyNotFound", listen, **secure, Certificates=certificate, SslPolicy="none")
    listen(**secure, Certificates=certificate)
    instances = elb.create_target_group(Name="i", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")["TargetGroups"][0]["TargetGroupArn"]
    refused("InvalidTarget", elb.register_targets, TargetGroupArn=instances, Targets=[{"Id": "10.0.0.5"}])


def of_iam():
    iam = client("iam")
    make = lambda **more: iam.create_role(**{**dict(RoleName="r", AssumeRolePolicyDocument=trust("ecs-tasks")), **more})
    refused("ValidationError", make, RoleName="no spaces")
    refused("ValidationError", make, MaxSessionDuration=1)
    refused("InvalidInput", make, Tags=RESERVED)
    refused("LimitExceeded", make, Tags=MANY)
    arn = iam.create_open_id_connect_provider(Url="https://one.example", Tags=[{"Key": "a", "Value": "1"}])["OpenIDConnectProviderArn"]
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]

    # A role that is made again is another one: who trusted the old one trusts nobody now.
    first = make()["Role"]
    make(RoleName="friend", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": first["Arn"]}, "Action": "sts:AssumeRole"}]}))
    iam.delete_role(RoleName="r")
    again = make()["Role"]
    assert again["Arn"] == first["Arn"] and again["RoleId"] != first["RoleId"]
    held = iam.get_role(RoleName="friend")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]
    assert held == first["RoleId"]


def of_registries_and_logs():
    ecr, logs, sm = client("ecr"), client("logs"), client("secretsmanager")
    refused("InvalidTagParameterException", ecr.create_repository, repositoryName="r1", tags=RESERVED)
    refused("TooManyTagsException", ecr.create_repository, repositoryName="r1", tags=MANY)
    ecr.create_repository(repositoryName="r1")
    refused("ImageDigestDoesNotMatchException", ecr.put_image, repositoryName="r1", imageManifest="{}", imageDigest="sha256:00")
    refused("TooManyTagsException", logs.create_log_group, logGroupName="/l", tags={tag["Key"]: "v" for tag in MANY})

    sm.create_secret(Name="s", SecretString="1")
    policy = lambda principal: json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]})
    nobody = "arn:aws:iam::123456789012:role/nobody"
    assert "unsupported principal" in str(refused("MalformedPolicyDocumentException", sm.put_resource_policy, SecretId="s", ResourcePolicy=policy(nobody)))
    sm.put_resource_policy(SecretId="s", ResourcePolicy=policy("arn:aws:iam::123456789012:role/friend"))
    assert "role/friend" in sm.get_resource_policy(SecretId="s")["ResourcePolicy"]
    sm.delete_resource_policy(SecretId="s")
    assert "ResourcePolicy" not in sm.get_resource_policy(SecretId="s")
    # A secret in its recovery window is not there, and the Tagging API lists it all the same.
    sm.tag_resource(SecretId="s", Tags=[{"Key": "kept", "Value": "1"}])
    sm.delete_secret(SecretId="s")
    listed = client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "kept"}])["ResourceTagMappingList"]
    assert len(listed) == 1


def of_rds(subnets):
    rds, ec2 = client("rds"), client("ec2")
    refused("MissingParameter", rds.create_db_subnet_group, DBSubnetGroupName="g")
    refused("DBSnapshotNotFound", rds.list_tags_for_resource, ResourceName="arn:aws:rds:us-west-2:123456789012:snapshot:none")
    rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="x", SubnetIds=subnets[1:])
    make = lambda **more: rds.create_db_instance(**{**dict(
        DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20, MasterUsername="me", MasterUserPassword="long-enough",
        DBSubnetGroupName="g"), **more})
    refused("InvalidVPCNetworkStateFault", make, AvailabilityZone="us-west-2d")
    refused("InvalidParameterCombination", make, MonitoringInterval=60)
    assert "ENHANCED_MONITORING" in str(refused("InvalidParameterValue", make, MonitoringInterval=60, MonitoringRoleArn="arn:aws:iam::123456789012:role/none"))
    monitor = client("iam").create_role(RoleName="monitor", AssumeRolePolicyDocument=trust("monitoring.rds"))["Role"]["Arn"]
    made = make(MonitoringInterval=60, MonitoringRoleArn=monitor)["DBInstance"]
    assert made["MonitoringRoleArn"] == monitor
    home = [subnet for subnet in subnets if ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}, {"Name": "description", "Values": ["RDS*"]}])["NetworkInterfaces"]]
    others = [subnet for subnet in subnets if subnet not in home]
    zones = {it["SubnetId"]: it["AvailabilityZone"] for it in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    spare = next(zone for zone in ("us-west-2a", "us-west-2b") if zone != zones[others[0]])
    others.append(ec2.create_subnet(VpcId=made["DBSubnetGroup"]["VpcId"], CidrBlock="10.0.99.0/24", AvailabilityZone=spare)["Subnet"]["SubnetId"])
    refused("SubnetAlreadyInUse", rds.modify_db_subnet_group, DBSubnetGroupName="g", SubnetIds=others)
    end = dict(DBInstanceIdentifier="db", FinalDBSnapshotIdentifier="last")
    ready = lambda: rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 0.2, "MaxAttempts": 200})
    ready()
    rds.delete_db_instance(**end)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 0.2, "MaxAttempts": 200})
    make()
    ready()
    refused("DBSnapshotAlreadyExists", rds.delete_db_instance, **end)


def of_ecs(subnets):
    ecs, sd = client("ecs"), client("servicediscovery")
    ecs.create_cluster(clusterName="c")
    until(lambda: ecs.describe_clusters(clusters=["c"])["clusters"][0]["status"] == "ACTIVE")
    ecs.register_task_definition(family="job", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
                                 containerDefinitions=[{"name": "job", "image": "public/job:1"}])
    assert ecs.list_task_definition_families(familyPrefix="jo")["families"] == ["job"]
    ecs.run_task(cluster="c", taskDefinition="job", launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}})
    refused("ClusterContainsTasksException", ecs.delete_cluster, cluster="c")

    refused("InvalidInput", sd.create_http_namespace, Name="no spaces")
    refused("OperationNotFound", sd.get_operation, OperationId="none")
    refused("ResourceNotFoundException", sd.list_tags_for_resource, ResourceARN="arn:aws:servicediscovery:us-west-2:123456789012:namespace/ns-none")
    # The same request again is the same operation, another one is in its way.
    first = sd.create_http_namespace(Name="n", CreatorRequestId="r1")["OperationId"]
    assert sd.create_http_namespace(Name="n", CreatorRequestId="r1")["OperationId"] == first
    refused("DuplicateRequest", sd.create_http_namespace, Name="n", CreatorRequestId="r2")


def of_s3():
    s3, east = client("s3"), client("s3", region="us-east-1")
    here = {"LocationConstraint": "us-west-2"}
    refused("InvalidLocationConstraint", east.create_bucket, Bucket="eastern", CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
    refused("InvalidBucketAclWithObjectOwnership", s3.create_bucket, Bucket="bucket", CreateBucketConfiguration=here, ACL="public-read")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration=here)
    refused("InvalidTag", s3.put_bucket_tagging, Bucket="bucket", Tagging={"TagSet": RESERVED})
    refused("PolicyTooLarge", s3.put_bucket_policy, Bucket="bucket", Policy=" " * 21_000)
    refused("MalformedXML", s3.put_bucket_encryption, Bucket="bucket", ServerSideEncryptionConfiguration={"Rules": [{}]})
    refused("IllegalVersioningConfigurationException", s3.put_bucket_versioning, Bucket="bucket", VersioningConfiguration={"Status": "Perhaps"})
    refused("AccessControlListNotSupported", s3.put_object, Bucket="bucket", Key="k", Body=b"", ACL="public-read")
    refused("BadDigest", s3.put_object, Bucket="bucket", Key="k", Body=b"", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    refused("NotImplemented", s3.create_multipart_upload, Bucket="bucket", Key="k")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bucket", Key="k", Body=b"1")
    marker = s3.delete_object(Bucket="bucket", Key="k")["VersionId"]
    refused("MethodNotAllowed", s3.get_object, Bucket="bucket", Key="k", VersionId=marker)
    refused("NoSuchVersion", s3.get_object, Bucket="bucket", Key="k", VersionId="none")

    # A body that is shorter than it says.
    def cut(request, **_):
        request.headers["X-Amz-Decoded-Content-Length"] = "7"
        request.headers["Content-Encoding"] = "aws-chunked"
        request.data = b"3\r\nabc\r\n0\r\n\r\n"
    s3.meta.events.register("before-sign.s3.PutObject", cut)
    refused("IncompleteBody", s3.put_object, Bucket="bucket", Key="short", Body=b"abc")


def of_cloudfront():
    cf = client("cloudfront")
    control = {"Name": "c", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
    refused("InvalidArgument", cf.create_origin_access_control, OriginAccessControlConfig=dict(control, SigningProtocol="none"))
    access = cf.create_origin_access_control(OriginAccessControlConfig=control)["OriginAccessControl"]["Id"]
    wanted = lambda: config("r1", access)
    make = lambda how, **more: cf.create_distribution(DistributionConfig={**how, **more})
    behavior = lambda **more: dict(wanted()["DefaultCacheBehavior"], **more)
    none = "00000000-0000-0000-0000-000000000000"
    refused("NoSuchCachePolicy", make, how=wanted(), DefaultCacheBehavior=behavior(CachePolicyId=none))
    refused("NoSuchOriginRequestPolicy", make, how=wanted(), DefaultCacheBehavior=behavior(OriginRequestPolicyId=none))
    refused("NoSuchResponseHeadersPolicy", make, how=wanted(), DefaultCacheBehavior=behavior(ResponseHeadersPolicyId=none))
    refused("NoSuchOrigin", make, how=wanted(), DefaultCacheBehavior=behavior(TargetOriginId="none"))
    bare = wanted()
    del bare["Origins"]["Items"][1]["CustomOriginConfig"]
    refused("InvalidOrigin", make, how=bare)
    short = wanted()
    del short["Comment"]
    refused("MalformedXML", make, how=short)
    domain = {"Quantity": 1, "Items": ["shop.example"]}
    refused("InvalidViewerCertificate", make, how=wanted(), Aliases=domain, ViewerCertificate={"CloudFrontDefaultCertificate": True})
    certificate = {"ACMCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1", "SSLSupportMethod": "sni-only"}
    made = make(how=wanted(), Aliases=domain, ViewerCertificate=certificate)["Distribution"]
    refused("CNAMEAlreadyExists", make, how=config("r2", access), Aliases=domain, ViewerCertificate=certificate)
    refused("InvalidTagging", cf.tag_resource, Resource=made["ARN"], Tags={"Items": RESERVED})
    refused("NoSuchResource", cf.list_tags_for_resource, Resource=made["ARN"] + "X")
    refused("NoSuchInvalidation", cf.get_invalidation, DistributionId=made["Id"], Id="I0")
    cf.create_invalidation(DistributionId=made["Id"], InvalidationBatch={"CallerReference": "i1", "Paths": {"Quantity": 1, "Items": ["/*"]}})
    assert cf.list_invalidations(DistributionId=made["Id"])["InvalidationList"]["Quantity"] == 1


def of_the_tagging_api():
    tagging = client("resourcegroupstaggingapi")
    refused("InvalidParameterException", tagging.get_resources, ResourcesPerPage=1000)
    refused("PaginationTokenExpiredException", tagging.get_resources, PaginationToken="nonsense")


def of_services_that_are_not_modelled():
    refused("UnknownOperationException", client("dynamodb").list_tables)


def main():
    vpc, subnets = of_ec2()
    of_elbv2(vpc, subnets)
    of_iam()
    of_registries_and_logs()
    of_rds(subnets)
    of_ecs(subnets)
    of_s3()
    of_cloudfront()
    of_the_tagging_api()
    of_services_that_are_not_modelled()


if __name__ == "__main__":
    main()
