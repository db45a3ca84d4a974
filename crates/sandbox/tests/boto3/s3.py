"""S3 by boto3: bucket settings, objects, conditions, versions, emptying."""
import json, sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{code} expected")


def main(url):
    s3 = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}))
    here = {"LocationConstraint": "us-west-2"}
    refused("InvalidBucketName", s3.create_bucket, Bucket="amzn-s3-demo-x", CreateBucketConfiguration=here)
    refused("IllegalLocationConstraintException", s3.create_bucket, Bucket="shop-spa")
    refused("404", s3.head_bucket, Bucket="shop-spa")
    s3.create_bucket(Bucket="shop-spa", CreateBucketConfiguration={**here, "Tags": [{"Key": "a", "Value": "1"}]})
    refused("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket="shop-spa", CreateBucketConfiguration=here)
    s3.get_waiter("bucket_exists").wait(Bucket="shop-spa")
    assert s3.head_bucket(Bucket="shop-spa")["BucketRegion"] == "us-west-2"
    assert s3.get_bucket_location(Bucket="shop-spa")["LocationConstraint"] == "us-west-2"
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["shop-spa"]

    tags = [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]
    assert s3.get_bucket_tagging(Bucket="shop-spa")["TagSet"] == [{"Key": "a", "Value": "1"}]
    s3.put_bucket_tagging(Bucket="shop-spa", Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket="shop-spa")["TagSet"] == tags
    found = boto3.client("resourcegroupstaggingapi", endpoint_url=url).get_resources(TagFilters=[{"Key": "b", "Values": ["2"]}], ResourceTypeFilters=["s3"])
    assert found["ResourceTagMappingList"][0]["ResourceARN"] == "arn:aws:s3:::shop-spa"
    s3.delete_bucket_tagging(Bucket="shop-spa")
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket="shop-spa")

    assert all(s3.get_public_access_block(Bucket="shop-spa")["PublicAccessBlockConfiguration"].values())
    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-spa/*"}]}
    refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket="shop-spa")
    refused("AccessDenied", s3.put_bucket_policy, Bucket="shop-spa", Policy=json.dumps(public))
    refused("MalformedPolicy", s3.put_bucket_policy, Bucket="shop-spa", Policy="{")
    unknown = json.loads(json.dumps(public))
    unknown["Statement"][0]["Principal"] = {"AWS": "arn:aws:iam::123456789012:role/none"}
    refused("MalformedPolicy", s3.put_bucket_policy, Bucket="shop-spa", Policy=json.dumps(unknown))
    cdn = json.loads(json.dumps(public))
    cdn["Statement"][0] |= {"Principal": {"Service": "cloudfront.amazonaws.com"}, "Condition": {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E1"}}}
    s3.put_bucket_policy(Bucket="shop-spa", Policy=json.dumps(cdn))
    assert json.loads(s3.get_bucket_policy(Bucket="shop-spa")["Policy"]) == cdn
    assert s3.get_bucket_policy_status(Bucket="shop-spa")["PolicyStatus"]["IsPublic"] is False
    s3.delete_public_access_block(Bucket="shop-spa")
    refused("NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, Bucket="shop-spa")
    s3.put_bucket_policy(Bucket="shop-spa", Policy=json.dumps(public))
    assert s3.get_bucket_policy_status(Bucket="shop-spa")["PolicyStatus"]["IsPublic"] is True
    s3.delete_bucket_policy(Bucket="shop-spa")
    s3.put_public_access_block(Bucket="shop-spa", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket="shop-spa")["PublicAccessBlockConfiguration"] == {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}

    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
    assert s3.get_bucket_encryption(Bucket="shop-spa")["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    s3.put_bucket_encryption(Bucket="shop-spa", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket="shop-spa")["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    assert s3.get_bucket_ownership_controls(Bucket="shop-spa")["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.put_bucket_ownership_controls(Bucket="shop-spa", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})

    put = s3.put_object(Bucket="shop-spa", Key="a/index.html", Body=b"hello", ContentType="text/html", CacheControl="no-cache", Metadata={"sha": "x"})
    got = s3.get_object(Bucket="shop-spa", Key="a/index.html")
    assert got["Body"].read() == b"hello" and got["ETag"] == put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert got["ContentType"] == "text/html" and got["CacheControl"] == "no-cache" and got["Metadata"] == {"sha": "x"}
    head = s3.head_object(Bucket="shop-spa", Key="a/index.html")
    assert head["ContentLength"] == 5 and head["LastModified"].year == 2026
    refused("404", s3.head_object, Bucket="shop-spa", Key="none")
    refused("NoSuchKey", s3.get_object, Bucket="shop-spa", Key="none")
    # Bodies in chunks, as a client sends that streams with a trailing checksum.
    s3.put_object(Bucket="shop-spa", Key="big", Body=b"z" * 200_000, ChecksumAlgorithm="CRC32")
    assert s3.get_object(Bucket="shop-spa", Key="big", Range="bytes=0-9")["Body"].read() == b"z" * 10

    lock = dict(Bucket="shop-spa", Key="lock")
    mine = s3.put_object(**lock, Body=b"1", IfNoneMatch="*")["ETag"]
    assert refused("PreconditionFailed", s3.put_object, **lock, Body=b"2", IfNoneMatch="*")["ResponseMetadata"]["HTTPStatusCode"] == 412
    next_ = s3.put_object(**lock, Body=b"3", IfMatch=mine)["ETag"]
    refused("PreconditionFailed", s3.put_object, **lock, Body=b"4", IfMatch=mine)
    refused("PreconditionFailed", s3.delete_object, **lock, IfMatch=mine)
    s3.delete_object(**lock, IfMatch=next_)
    refused("NoSuchKey", s3.put_object, **lock, Body=b"4", IfMatch=mine)
    refused("404", s3.head_object, **lock)
    refused("NotImplemented", s3.put_object, **lock, Body=b"5", IfNoneMatch=next_)
    refused("MetadataTooLarge", s3.put_object, **lock, Body=b"5", Metadata={"long": "x" * 2048})

    # Whose the bucket is, and what time it is by the server, refusals too.
    assert s3.head_bucket(Bucket="shop-spa", ExpectedBucketOwner="123456789012")
    for call, more in ((s3.get_object, {"Key": "big"}), (s3.put_object, {"Key": "big", "Body": b""}), (s3.get_bucket_policy, {})):
        refused("AccessDenied", call, Bucket="shop-spa", ExpectedBucketOwner="210987654321", **more)
    dates = [s3.get_object(Bucket="shop-spa", Key="big")["ResponseMetadata"]["HTTPHeaders"]["date"]]
    dates.append(refused("NoSuchKey", s3.get_object, Bucket="shop-spa", Key="none")["ResponseMetadata"]["HTTPHeaders"]["date"])
    assert all(date.endswith(" GMT") and " 2026 " in date for date in dates), dates

    for n in range(5):
        s3.put_object(Bucket="shop-spa", Key=f"n/{n}", Body=b"")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="shop-spa", PaginationConfig={"PageSize": 3}))
    assert [o["Key"] for page in pages for o in page["Contents"]] == ["a/index.html", "big", "n/0", "n/1", "n/2", "n/3", "n/4"]
    top = s3.list_objects_v2(Bucket="shop-spa", Delimiter="/")
    assert [p["Prefix"] for p in top["CommonPrefixes"]] == ["a/", "n/"] and [o["Key"] for o in top["Contents"]] == ["big"]

    assert "Status" not in s3.get_bucket_versioning(Bucket="shop-spa")
    s3.put_bucket_versioning(Bucket="shop-spa", VersioningConfiguration={"Status": "Enabled"})
    v1 = s3.put_object(Bucket="shop-spa", Key="v", Body=b"1")["VersionId"]
    s3.put_object(Bucket="shop-spa", Key="v", Body=b"2")
    assert s3.delete_object(Bucket="shop-spa", Key="v")["DeleteMarker"] is True
    refused("NoSuchKey", s3.get_object, Bucket="shop-spa", Key="v")
    assert s3.get_object(Bucket="shop-spa", Key="v", VersionId=v1)["Body"].read() == b"1"
    s3.put_object(Bucket="shop-spa", Key="v", Body=b"3", IfNoneMatch="*")
    assert refused("BucketNotEmpty", s3.delete_bucket, Bucket="shop-spa")["ResponseMetadata"]["HTTPStatusCode"] == 409
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="shop-spa", PaginationConfig={"PageSize": 3}):
        ids = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        answer = s3.delete_objects(Bucket="shop-spa", Delete={"Objects": ids, "Quiet": True})
        assert "Errors" not in answer and "Deleted" not in answer
    s3.delete_bucket(Bucket="shop-spa")
    s3.get_waiter("bucket_not_exists").wait(Bucket="shop-spa")
    refused("NoSuchBucket", s3.get_bucket_tagging, Bucket="shop-spa")


if __name__ == "__main__":
    main(sys.argv[1])
    print("s3: ok")
