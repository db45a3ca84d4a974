"""What the stories share: clients of the sandbox, refusals, and a network to put things into."""
import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def client(service, region="us-west-2", attempts=1):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name=region, aws_access_key_id="x", aws_secret_access_key="y",
                        config=Config(retries={"total_max_attempts": attempts}, parameter_validation=False, s3={"addressing_style": "path"}))


def refused(code, call, **arguments):
    try:
        answer = call(**arguments)
    except ClientError as error:
        got = error.response["Error"]["Code"]
        assert got == code, f"expected {code}, got {got}: {error}"
        return error
    raise AssertionError(f"expected {code}, but it went through: {answer}")


def tagged(kind, **tags):
    """Tags for a create call of EC2."""
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def trust(service, **more):
    """A trust policy for a service of AWS; `more` goes into its statement."""
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def until(what, limit=60):
    """Looks again until `what()` is true; the server's time runs faster than ours."""
    end = time.monotonic() + limit
    while not what():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def network():
    """VPC with an internet gateway, two subnets in two zones, a third in the first zone, a group."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-west-2{zone}")["Subnet"]["SubnetId"]
               for i, zone in enumerate("aba")]
    group = ec2.create_security_group(GroupName="story", Description="story", VpcId=vpc)["GroupId"]
    return vpc, subnets, group
