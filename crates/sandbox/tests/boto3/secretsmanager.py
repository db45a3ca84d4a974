"""A secret's life: made, read, changed, scheduled, restored, gone, its name blocked for a while."""
import re
import uuid

from _aws import client, refused, until


def main():
    sm = client("secretsmanager")
    token = str(uuid.uuid4())
    made = sm.create_secret(Name="pulse/dev/api", SecretString="one", ClientRequestToken=token, Tags=[{"Key": "landing:node", "Value": "secret.api"}])
    assert re.fullmatch(r"arn:aws:secretsmanager:us-west-2:\d{12}:secret:pulse/dev/api-[A-Za-z0-9]{6}", made["ARN"]), made
    assert made["VersionId"] == token
    again = sm.create_secret(Name="pulse/dev/api", SecretString="one", ClientRequestToken=token)
    assert again["ARN"] == made["ARN"]
    refused("ResourceExistsException", sm.create_secret, Name="pulse/dev/api", SecretString="two", ClientRequestToken=token)
    refused("ResourceExistsException", sm.create_secret, Name="pulse/dev/api", SecretString="one")
    refused("ValidationException", sm.create_secret, Name="no spaces", SecretString="x")
    refused("InvalidParameterException", sm.create_secret, Name="both", SecretString="x", SecretBinary=b"x")
    refused("InvalidParameterException", sm.create_secret, Name="big", SecretString="x" * 65537)
    refused("ResourceNotFoundException", sm.describe_secret, SecretId="nobody")

    for id in ("pulse/dev/api", made["ARN"], made["ARN"][:-7]):
        assert sm.get_secret_value(SecretId=id)["SecretString"] == "one"
    second = sm.put_secret_value(SecretId="pulse/dev/api", SecretString="two")
    assert second["VersionStages"] == ["AWSCURRENT"]
    assert sm.get_secret_value(SecretId="pulse/dev/api")["SecretString"] == "two"
    assert sm.get_secret_value(SecretId="pulse/dev/api", VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    assert sm.get_secret_value(SecretId="pulse/dev/api", VersionId=token)["SecretString"] == "one"
    refused("ResourceExistsException", sm.put_secret_value, SecretId="pulse/dev/api", SecretString="three", ClientRequestToken=second["VersionId"])
    sm.put_secret_value(SecretId="pulse/dev/api", SecretString="two", ClientRequestToken=second["VersionId"])
    sm.update_secret(SecretId="pulse/dev/api", Description="the API's key")
    sm.update_secret(SecretId="pulse/dev/api", SecretBinary=b"\x00\x01")
    assert sm.get_secret_value(SecretId="pulse/dev/api")["SecretBinary"] == b"\x00\x01"
    versions = sm.list_secret_version_ids(SecretId="pulse/dev/api")["Versions"]
    assert len(versions) == 2, versions
    assert len(sm.list_secret_version_ids(SecretId="pulse/dev/api", IncludeDeprecated=True)["Versions"]) == 3

    sm.tag_resource(SecretId="pulse/dev/api", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sm.untag_resource(SecretId="pulse/dev/api", TagKeys=["b"])
    seen = sm.describe_secret(SecretId="pulse/dev/api")
    assert {t["Key"]: t["Value"] for t in seen["Tags"]} == {"a": "1", "landing:node": "secret.api"}, seen
    assert seen["Description"] == "the API's key" and "DeletedDate" not in seen and seen["CreatedDate"].year >= 2026
    refused("InvalidParameterException", sm.tag_resource, SecretId="pulse/dev/api", Tags=[{"Key": "aws:x", "Value": "1"}])

    sm.create_secret(Name="pulse/dev/empty")
    refused("ResourceNotFoundException", sm.get_secret_value, SecretId="pulse/dev/empty")
    names = lambda **filters: [s["Name"] for s in sm.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1}, **filters).build_full_result()["SecretList"]]
    assert sorted(names()) == ["pulse/dev/api", "pulse/dev/empty"]
    assert names(Filters=[{"Key": "tag-key", "Values": ["landing:node"]}]) == ["pulse/dev/api"]
    assert names(Filters=[{"Key": "tag-value", "Values": ["secret."]}]) == ["pulse/dev/api"]
    assert names(Filters=[{"Key": "name", "Values": ["pulse/dev/e"]}]) == ["pulse/dev/empty"]
    assert names(Filters=[{"Key": "name", "Values": ["!pulse/dev/e"]}]) == ["pulse/dev/api"]
    refused("InvalidNextTokenException", sm.list_secrets, NextToken="nonsense")
    batch = sm.batch_get_secret_value(SecretIdList=["pulse/dev/api", "nobody"])
    assert [v["Name"] for v in batch["SecretValues"]] == ["pulse/dev/api"]
    assert batch["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"
    assert len(sm.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["pulse/dev/api"]}])["SecretValues"]) == 1

    password = sm.get_random_password(PasswordLength=40, ExcludeCharacters="/'\"@ ")["RandomPassword"]
    assert len(password) == 40 and not set(password) & set("/'\"@ ")
    assert sm.get_random_password(PasswordLength=4, ExcludePunctuation=True)["RandomPassword"].isalnum()
    refused("InvalidParameterException", sm.get_random_password, PasswordLength=2)

    refused("InvalidParameterException", sm.delete_secret, SecretId="pulse/dev/api", RecoveryWindowInDays=5)
    refused("InvalidParameterException", sm.delete_secret, SecretId="pulse/dev/api", RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
    sm.delete_secret(SecretId="pulse/dev/api", RecoveryWindowInDays=7)
    assert "DeletedDate" in sm.describe_secret(SecretId="pulse/dev/api")
    refused("InvalidRequestException", sm.get_secret_value, SecretId="pulse/dev/api")
    refused("InvalidRequestException", sm.put_secret_value, SecretId="pulse/dev/api", SecretString="x")
    refused("InvalidRequestException", sm.create_secret, Name="pulse/dev/api", SecretString="x")
    refused("InvalidRequestException", sm.delete_secret, SecretId="pulse/dev/api")
    assert names() == ["pulse/dev/empty"] and len(names(IncludePlannedDeletion=True)) == 2
    sm.restore_secret(SecretId="pulse/dev/api")
    sm.put_secret_value(SecretId="pulse/dev/api", SecretString="back")

    sm.delete_secret(SecretId="pulse/dev/api", ForceDeleteWithoutRecovery=True)
    refused("InvalidRequestException", sm.create_secret, Name="pulse/dev/api", SecretString="x")
    sm.delete_secret(SecretId="pulse/dev/api", ForceDeleteWithoutRecovery=True)
    refused("ResourceNotFoundException", sm.delete_secret, SecretId="pulse/dev/api")

    def free():
        try:
            return sm.create_secret(Name="pulse/dev/api", SecretString="x")["ARN"] != made["ARN"]
        except sm.exceptions.InvalidRequestException:
            return False
    until(free)
    for name in ("pulse/dev/api", "pulse/dev/empty"):
        sm.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


if __name__ == "__main__":
    main()
