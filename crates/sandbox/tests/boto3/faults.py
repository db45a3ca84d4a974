"""A bad day as botocore sees it: connections that end, answers that are late or half, throttles; what AWS did meanwhile, and how far botocore's own repetition gets.

`faults.toml` says which call meets what.
"""
import sys

import boto3
from _aws import client, refused, trust, until
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError


def patient(service, mode="standard", attempts=10):
    """A client that repeats as botocore does."""
    config = Config(retries={"total_max_attempts": attempts, "mode": mode}, s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=sys.argv[1], region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="y", config=config)


def hasty(service):
    """One that waits for a second and asks once."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=1)
    return boto3.client(service, endpoint_url=sys.argv[1], region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="y", config=config)


def fails(kind, call, **arguments):
    try:
        answer = call(**arguments)
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, but it went through: {answer}")


def lost_and_cut():
    once, more = client("ec2"), patient("ec2")
    vpcs = lambda: len(once.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}])["Vpcs"])
    fails(ConnectionClosedError, once.create_vpc, CidrBlock="10.0.0.0/16")
    assert vpcs() == 1, "it was made, and nobody heard of it"
    vpc = once.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    # The third is lost, too, and botocore asks again: CreateVpc has no token, so there are two more.
    more.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs() == 4

    gateways = lambda: len(once.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"])
    before = len(once.describe_internet_gateways()["InternetGateways"])
    fails(ConnectionClosedError, once.create_internet_gateway)
    assert len(once.describe_internet_gateways()["InternetGateways"]) == before, "AWS never saw it"
    gateway = more.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert len(once.describe_internet_gateways()["InternetGateways"]) == before + 1
    once.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert gateways() == 1

    # botocore sends a token of its own, the same in both attempts: one gateway.
    subnet = once.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    address = once.allocate_address()["AllocationId"]
    nat = more.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    assert [one["NatGatewayId"] for one in once.describe_nat_gateways()["NatGateways"]] == [nat]

    # The name tells the second attempt that the first one was heard.
    iam = patient("iam")
    refused("EntityAlreadyExists", iam.create_role, RoleName="twice", AssumeRolePolicyDocument=trust("ecs-tasks"))
    assert iam.get_role(RoleName="twice")["Role"]["RoleName"] == "twice"


def garbled():
    ec2, secrets, s3 = client("ec2"), client("secretsmanager"), client("s3")
    fails(ResponseParserError, ec2.allocate_address)
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    # botocore takes half a JSON for an answer that says nothing.
    assert "ARN" not in secrets.create_secret(Name="half", SecretString="whole")
    assert secrets.get_secret_value(SecretId="half")["SecretString"] == "whole"
    s3.create_bucket(Bucket="bodiless", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    fails(ConnectionClosedError, s3.delete_bucket, Bucket="bodiless")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == []


def slow_and_late():
    logs, groups = client("logs"), lambda: [one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]]
    fails(ReadTimeoutError, hasty("logs").create_log_group, logGroupName="slow")
    assert groups() == ["slow"], "it was made at once"
    fails(ReadTimeoutError, hasty("logs").delete_log_group, logGroupName="slow")
    assert groups() == ["slow"], "it lies about"
    until(lambda: groups() == [])
    refused("ResourceNotFoundException", logs.delete_log_group, logGroupName="slow")
    # Half a second late is in time.
    assert client("ecr").create_repository(repositoryName="late")["repository"]["repositoryName"] == "late"


def refused_for_now():
    rds = client("rds")
    assert refused("Throttling", rds.describe_db_subnet_groups).response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert patient("rds").describe_db_subnet_groups()["ResponseMetadata"]["RetryAttempts"] == 1
    refused("InternalFailure", client("sts").get_caller_identity)
    assert patient("sts", mode="legacy").get_caller_identity()["ResponseMetadata"]["RetryAttempts"] == 2
    # "Acted on all the same": the second attempt finds it, and for ECS that is no mistake.
    ecs = patient("ecs")
    assert ecs.create_cluster(clusterName="made")["ResponseMetadata"]["RetryAttempts"] == 1
    assert len(ecs.list_clusters()["clusterArns"]) == 1


def too_fast():
    """The bucket of new endpoints holds 4 and gets one back in 3.3 AWS seconds."""
    once, more = client("ec2"), patient("ec2")
    vpc = once.describe_vpcs()["Vpcs"][0]["VpcId"]
    make = lambda ec2: ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-west-2.s3")

    def empty():
        for _ in range(100):
            try:
                made = make(once)["VpcEndpoint"]["VpcEndpointId"]
                once.delete_vpc_endpoints(VpcEndpointIds=[made])
            except ClientError as error:
                return error
        raise AssertionError("nobody was too fast")

    error = empty()
    assert (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]) == ("RequestLimitExceeded", 503), error.response
    assert make(more)["VpcEndpoint"]["VpcEndpointId"].startswith("vpce-"), "botocore waits, and comes through"


if __name__ == "__main__":
    for story in (garbled, lost_and_cut, slow_and_late, refused_for_now, too_fast):
        story()
