"""AWS's eventual consistency as botocore sees it: ids that are not known yet, readings that flap, principals that IAM's copies lack, lists that lag; and how
AWS's own waiters get through.
"""
import json

from _aws import client, refused, tagged, trust, until
from botocore.exceptions import ClientError

PATIENT = {"Delay": 0.2, "MaxAttempts": 600}


def code_of(call, **arguments):
    """The refusal's code, or nothing."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def sees_both(look, refusal):
    """Readings flap: at one and the same time some copies know it and some do not; in the end all of them do."""
    seen = set()
    until(lambda: seen.add(look()) or seen >= {refusal, None})
    assert seen == {refusal, None}, seen
    quiet = []
    # As many in a row as nobody has by chance while a copy still lags.
    until(lambda: (quiet.clear() if look() else quiet.append(1)) or len(quiet) >= 40)


def unknown_ids():
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    refusals = 0
    for number in range(8):
        while code := code_of(ec2.create_subnet, VpcId=vpc, CidrBlock=f"10.0.{number}.0/24"):
            assert code == "InvalidVpcID.NotFound", code
            refusals += 1
    assert refusals, "no copy lacked the VPC that was just made"
    found = lambda: ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    # None was made by a call that was refused; a list shows fewer for a while, and never more.
    until(lambda: len(found()) == 8)
    sees_both(lambda: code_of(ec2.describe_vpcs, VpcIds=[vpc]), "InvalidVpcID.NotFound")

    other = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tagged("vpc", Name="other"))["Vpc"]["VpcId"]
    ec2.get_waiter("vpc_exists").wait(VpcIds=[other], WaiterConfig=PATIENT)
    # "It exists" is what one copy says; the next one may not know.
    sees_both(lambda: code_of(ec2.describe_vpcs, VpcIds=[other]), "InvalidVpcID.NotFound")
    ec2.delete_vpc(VpcId=other)
    gone = lambda: code_of(ec2.describe_vpcs, VpcIds=[other])
    until(lambda: gone() is None)
    until(lambda: gone() == "InvalidVpcID.NotFound")


def principals():
    iam = client("iam")
    refusals = 0
    for number in range(8):
        role = iam.create_role(RoleName=f"new-{number}", AssumeRolePolicyDocument=trust("ecs-tasks"))["Role"]["Arn"]
        document = json.loads(trust("ecs-tasks"))
        document["Statement"][0]["Principal"] = {"AWS": role}
        while code := code_of(iam.create_role, RoleName=f"trusts-{number}", AssumeRolePolicyDocument=json.dumps(document)):
            assert code == "MalformedPolicyDocument", code
            refusals += 1
    assert refusals, "no copy lacked a role that was just made"
    iam.get_waiter("role_exists").wait(RoleName="new-7", WaiterConfig=PATIENT)
    refused("EntityAlreadyExists", iam.create_role, RoleName="new-7", AssumeRolePolicyDocument=trust("ecs-tasks"))


def lists():
    secrets = client("secretsmanager")
    made = secrets.create_secret(Name="new", SecretString="x", Tags=[{"Key": "story", "Value": "lag"}])["ARN"]
    listed = lambda: [one["ARN"] for one in secrets.list_secrets()["SecretList"]]
    tags = client("resourcegroupstaggingapi")
    known = lambda: [one["ResourceARN"] for one in tags.get_resources(TagFilters=[{"Key": "story", "Values": ["lag"]}])["ResourceTagMappingList"]]
    assert known() == [], "the Tagging API is five seconds behind at least"
    until(lambda: listed() == [made])
    until(lambda: known() == [made])
    secrets.delete_secret(SecretId=made, ForceDeleteWithoutRecovery=True)
    assert known() == [made], "and lists what is gone"
    until(lambda: known() == [])


if __name__ == "__main__":
    for story in (unknown_ids, principals, lists):
        story()
