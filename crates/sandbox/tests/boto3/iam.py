"""IAM by boto3: a role's life with its policies, an OIDC provider, and what is refused on the way."""
import json, sys
import boto3
from botocore.exceptions import ClientError


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{code} expected")


def trust(principal, **more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole"], **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def main(url):
    iam = boto3.client("iam", endpoint_url=url)
    ecs = trust({"Service": ["ecs-tasks.amazonaws.com"]})

    role = iam.create_role(RoleName="Shop-Exec", AssumeRolePolicyDocument=ecs, Description="x", Tags=[{"Key": "a", "Value": "1"}])["Role"]
    assert role["Arn"].endswith(":role/Shop-Exec") and role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert refused("EntityAlreadyExists", iam.create_role, RoleName="shop-exec", AssumeRolePolicyDocument=ecs)["ResponseMetadata"]["HTTPStatusCode"] == 409
    refused("MalformedPolicyDocument", iam.create_role, RoleName="b", AssumeRolePolicyDocument="{")
    refused("MalformedPolicyDocument", iam.create_role, RoleName="b", AssumeRolePolicyDocument=trust({"AWS": "arn:aws:iam::123456789012:role/none"}))
    iam.get_waiter("role_exists").wait(RoleName="Shop-Exec")
    refused("NoSuchEntity", iam.get_role, RoleName="none")

    iam.update_role(RoleName="Shop-Exec", Description="y", MaxSessionDuration=7200)
    iam.update_assume_role_policy(RoleName="Shop-Exec", PolicyDocument=trust({"AWS": role["Arn"]}))
    iam.tag_role(RoleName="Shop-Exec", Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_role(RoleName="Shop-Exec", TagKeys=["a"])
    got = iam.get_role(RoleName="Shop-Exec")["Role"]
    assert got["Description"] == "y" and got["MaxSessionDuration"] == 7200 and got["Tags"] == [{"Key": "b", "Value": "2"}]
    assert iam.list_role_tags(RoleName="Shop-Exec")["Tags"] == got["Tags"]
    assert "Tags" not in iam.list_roles()["Roles"][0]

    allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
    iam.put_role_policy(RoleName="Shop-Exec", PolicyName="p", PolicyDocument=json.dumps(allow))
    refused("MalformedPolicyDocument", iam.put_role_policy, RoleName="Shop-Exec", PolicyName="q", PolicyDocument='{"Statement":[]}')
    assert iam.get_role_policy(RoleName="Shop-Exec", PolicyName="p")["PolicyDocument"]["Statement"] == [allow["Statement"]]
    assert iam.list_role_policies(RoleName="Shop-Exec")["PolicyNames"] == ["p"]
    managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam.attach_role_policy(RoleName="Shop-Exec", PolicyArn=managed)
    iam.attach_role_policy(RoleName="Shop-Exec", PolicyArn=managed)
    refused("NoSuchEntity", iam.attach_role_policy, RoleName="Shop-Exec", PolicyArn="arn:aws:iam::aws:policy/None")
    assert iam.list_attached_role_policies(RoleName="Shop-Exec")["AttachedPolicies"] == [{"PolicyName": "AmazonECSTaskExecutionRolePolicy", "PolicyArn": managed}]

    for name in ("r1", "r2", "r3"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=ecs)
    details = list(iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"], PaginationConfig={"PageSize": 2}))
    roles = {r["RoleName"]: r for page in details for r in page["RoleDetailList"]}
    assert len(details) == 2 and len(roles) == 4
    detail = roles["Shop-Exec"]
    assert detail["RolePolicyList"][0]["PolicyDocument"]["Statement"] == [allow["Statement"]]
    assert detail["AttachedManagedPolicies"][0]["PolicyArn"] == managed and detail["Tags"] == got["Tags"]
    assert iam.list_instance_profiles_for_role(RoleName="r1")["InstanceProfiles"] == []

    assert refused("DeleteConflict", iam.delete_role, RoleName="Shop-Exec")["ResponseMetadata"]["HTTPStatusCode"] == 409
    iam.detach_role_policy(RoleName="Shop-Exec", PolicyArn=managed)
    refused("NoSuchEntity", iam.detach_role_policy, RoleName="Shop-Exec", PolicyArn=managed)
    refused("DeleteConflict", iam.delete_role, RoleName="Shop-Exec")
    iam.delete_role_policy(RoleName="Shop-Exec", PolicyName="p")
    refused("NoSuchEntity", iam.get_role_policy, RoleName="Shop-Exec", PolicyName="p")
    for name in ("Shop-Exec", "r1", "r2", "r3"):
        iam.delete_role(RoleName=name)
    refused("NoSuchEntity", iam.delete_role, RoleName="r1")

    github = "https://token.actions.githubusercontent.com"
    arn = iam.create_open_id_connect_provider(Url=github, ClientIDList=["sts.amazonaws.com"], Tags=[{"Key": "k", "Value": "v"}])["OpenIDConnectProviderArn"]
    refused("EntityAlreadyExists", iam.create_open_id_connect_provider, Url=github)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["a" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "l", "Value": "w"}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["k"])
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert got["ClientIDList"] == ["two"] and got["ThumbprintList"] == ["a" * 40] and got["Tags"] == [{"Key": "l", "Value": "w"}]
    assert got["Url"] == "token.actions.githubusercontent.com"
    web = {"Action": "sts:AssumeRoleWithWebIdentity"}
    refused("MalformedPolicyDocument", iam.create_role, RoleName="ci", AssumeRolePolicyDocument=trust({"Federated": arn}, **web))
    condition = {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}
    iam.create_role(RoleName="ci", AssumeRolePolicyDocument=trust({"Federated": arn}, **web, Condition=condition))
    iam.delete_role(RoleName="ci")

    tagging = boto3.client("resourcegroupstaggingapi", endpoint_url=url, region_name="us-east-1")
    found = tagging.get_resources(TagFilters=[{"Key": "l", "Values": ["w"]}])["ResourceTagMappingList"]
    assert [f["ResourceARN"] for f in found] == [arn]
    assert not boto3.client("resourcegroupstaggingapi", endpoint_url=url).get_resources(TagFilters=[{"Key": "l"}])["ResourceTagMappingList"]
    assert [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [arn]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    refused("NoSuchEntity", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)


if __name__ == "__main__":
    main(sys.argv[1])
    print("iam: ok")
