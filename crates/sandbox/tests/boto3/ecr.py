"""A repository: settings, lifecycle policy, images, deletion by force."""
import base64
import json

from _aws import client, refused


def main():
    ecr = client("ecr")
    made = ecr.create_repository(repositoryName="pulse/api", imageTagMutability="IMMUTABLE", tags=[{"Key": "landing:node", "Value": "ecr.repository.api"}])["repository"]
    assert made["repositoryUri"] == f"{made['registryId']}.dkr.ecr.us-west-2.amazonaws.com/pulse/api", made
    assert made["encryptionConfiguration"]["encryptionType"] == "AES256" and made["imageScanningConfiguration"]["scanOnPush"] is False
    refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="pulse/api")
    for name in ("Upper", "a", "-a", "a//b", "a_.b"):
        refused("InvalidParameterException", ecr.create_repository, repositoryName=name)
    ecr.create_repository(repositoryName="pulse/web__two")
    both = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 1}).build_full_result()["repositories"]
    assert [r["repositoryName"] for r in both] == ["pulse/api", "pulse/web__two"]
    refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["pulse/api", "nobody"])
    ecr.put_image_scanning_configuration(repositoryName="pulse/api", imageScanningConfiguration={"scanOnPush": True})
    arn = made["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert {t["Key"]: t["Value"] for t in ecr.list_tags_for_resource(resourceArn=arn)["tags"]} == {"a": "1", "landing:node": "ecr.repository.api"}
    refused("RepositoryNotFoundException", ecr.list_tags_for_resource, resourceArn=arn + "x")

    refused("LifecyclePolicyNotFoundException", ecr.get_lifecycle_policy, repositoryName="pulse/api")
    rule = {"rulePriority": 1, "description": "keep ten", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}}
    ecr.put_lifecycle_policy(repositoryName="pulse/api", lifecyclePolicyText=json.dumps({"rules": [rule]}, indent=2))
    assert json.loads(ecr.get_lifecycle_policy(repositoryName="pulse/api")["lifecyclePolicyText"]) == {"rules": [rule]}
    for bad in ("{", "{}", json.dumps({"rules": [rule, rule]}), json.dumps({"rules": [dict(rule, action={})]})):
        refused("InvalidParameterException", ecr.put_lifecycle_policy, repositoryName="pulse/api", lifecyclePolicyText=bad)
    ecr.delete_lifecycle_policy(repositoryName="pulse/api")
    refused("LifecyclePolicyNotFoundException", ecr.delete_lifecycle_policy, repositoryName="pulse/api")

    manifest = lambda n: json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"size": n}, "layers": [{"size": 10}]})
    digest = ecr.put_image(repositoryName="pulse/api", imageManifest=manifest(1), imageTag="v1")["image"]["imageId"]["imageDigest"]
    refused("ImageAlreadyExistsException", ecr.put_image, repositoryName="pulse/api", imageManifest=manifest(1), imageTag="v1")
    refused("ImageTagAlreadyExistsException", ecr.put_image, repositoryName="pulse/api", imageManifest=manifest(2), imageTag="v1")
    refused("RepositoryNotFoundException", ecr.put_image, repositoryName="nobody", imageManifest=manifest(1), imageTag="v1")
    ecr.put_image_tag_mutability(repositoryName="pulse/api", imageTagMutability="MUTABLE")
    ecr.put_image(repositoryName="pulse/api", imageManifest=manifest(2), imageTag="v1")
    got = ecr.batch_get_image(repositoryName="pulse/api", imageIds=[{"imageTag": "v1"}, {"imageTag": "v9"}])
    assert got["images"][0]["imageManifest"] == manifest(2) and got["failures"][0]["failureCode"] == "ImageNotFound", got
    refused("ImageNotFoundException", ecr.describe_images, repositoryName="pulse/api", imageIds=[{"imageTag": "v9"}])
    details = ecr.describe_images(repositoryName="pulse/api")["imageDetails"]
    assert len(details) == 2 and {d["imageSizeInBytes"] for d in details} == {11, 12}
    assert [i["imageDigest"] for i in ecr.list_images(repositoryName="pulse/api", filter={"tagStatus": "UNTAGGED"})["imageIds"]] == [digest]
    gone = ecr.batch_delete_image(repositoryName="pulse/api", imageIds=[{"imageDigest": digest}, {"imageTag": "v9"}])
    assert gone["imageIds"] == [{"imageDigest": digest}] and gone["failures"][0]["failureCode"] == "ImageNotFound"

    token = ecr.get_authorization_token()["authorizationData"][0]
    assert base64.b64decode(token["authorizationToken"]).startswith(b"AWS:") and token["proxyEndpoint"].startswith("https://")
    refused("RepositoryNotEmptyException", ecr.delete_repository, repositoryName="pulse/api")
    ecr.delete_repository(repositoryName="pulse/api", force=True)
    ecr.delete_repository(repositoryName="pulse/web__two")
    refused("RepositoryNotFoundException", ecr.delete_repository, repositoryName="pulse/api")


if __name__ == "__main__":
    main()
