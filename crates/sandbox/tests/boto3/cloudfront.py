"""CloudFront by boto3: access control, function, distribution from birth to delete."""
import sys
import boto3
from botocore.exceptions import ClientError


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{code} expected")


def config(reference, control, function=None):
    behavior = {"TargetOriginId": "spa", "ViewerProtocolPolicy": "redirect-to-https", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"}
    if function:
        behavior["FunctionAssociations"] = {"Quantity": 1, "Items": [{"FunctionARN": function, "EventType": "viewer-request"}]}
    api = {"PathPattern": "/api/*", "TargetOriginId": "alb", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
           "AllowedMethods": {"Quantity": 7, "Items": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"], "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]}}}
    origins = [
        {"Id": "spa", "DomainName": "b.s3.us-west-2.amazonaws.com", "OriginAccessControlId": control, "S3OriginConfig": {"OriginAccessIdentity": ""}},
        {"Id": "alb", "DomainName": "a.us-west-2.elb.amazonaws.com", "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}},
    ]
    return {"CallerReference": reference, "Comment": "shop", "Enabled": True, "DefaultRootObject": "index.html",
            "Origins": {"Quantity": 2, "Items": origins}, "DefaultCacheBehavior": behavior, "CacheBehaviors": {"Quantity": 1, "Items": [api]}}


def main(url):
    cf = boto3.client("cloudfront", endpoint_url=url)
    want = {"Name": "shop", "Description": "d", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
    made = cf.create_origin_access_control(OriginAccessControlConfig=want)
    oac = made["OriginAccessControl"]["Id"]
    assert made["OriginAccessControl"]["OriginAccessControlConfig"] == want
    refused("OriginAccessControlAlreadyExists", cf.create_origin_access_control, OriginAccessControlConfig=want)
    assert cf.get_origin_access_control_config(Id=oac)["OriginAccessControlConfig"] == want
    refused("InvalidIfMatchVersion", cf.update_origin_access_control, Id=oac, OriginAccessControlConfig=want)
    changed = cf.update_origin_access_control(Id=oac, IfMatch=made["ETag"], OriginAccessControlConfig={**want, "Description": "e"})
    refused("PreconditionFailed", cf.update_origin_access_control, Id=oac, IfMatch=made["ETag"], OriginAccessControlConfig=want)
    assert cf.get_origin_access_control(Id=oac)["ETag"] == changed["ETag"]
    assert [i["Id"] for i in cf.list_origin_access_controls()["OriginAccessControlList"]["Items"]] == [oac]
    refused("NoSuchOriginAccessControl", cf.get_origin_access_control, Id="E0")

    runtime = {"Comment": "c", "Runtime": "cloudfront-js-2.0"}
    f = cf.create_function(Name="spa", FunctionConfig=runtime, FunctionCode=b"function handler(e) { return e.request }")
    arn = f["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    refused("FunctionAlreadyExists", cf.create_function, Name="spa", FunctionConfig=runtime, FunctionCode=b"x")
    refused("FunctionSizeLimitExceeded", cf.create_function, Name="spb", FunctionConfig=runtime, FunctionCode=b"x" * 11000)
    refused("InvalidFunctionAssociation", cf.create_distribution, DistributionConfig=config("r1", oac, arn))
    refused("NoSuchFunctionExists", cf.describe_function, Name="spa", Stage="LIVE")
    up = cf.update_function(Name="spa", IfMatch=f["ETag"], FunctionConfig=runtime, FunctionCode=b"two")
    assert up["ETag"] != f["ETag"]
    refused("PreconditionFailed", cf.publish_function, Name="spa", IfMatch=f["ETag"])
    live = cf.publish_function(Name="spa", IfMatch=up["ETag"])["FunctionSummary"]
    assert live["FunctionMetadata"]["Stage"] == "LIVE"
    assert cf.get_function(Name="spa", Stage="LIVE")["FunctionCode"].read() == b"two"
    assert cf.describe_function(Name="spa")["ETag"] == up["ETag"]
    assert cf.list_functions(Stage="LIVE")["FunctionList"]["Quantity"] == 1

    refused("InvalidOriginAccessControl", cf.create_distribution, DistributionConfig=config("r1", "E0"))
    uneven = config("r1", oac)
    uneven["Origins"]["Quantity"] = 1
    refused("InconsistentQuantities", cf.create_distribution, DistributionConfig=uneven)
    tags = {"Items": [{"Key": "a", "Value": "1"}]}
    with_tags = {"DistributionConfig": config("r1", oac, arn), "Tags": tags}
    d = cf.create_distribution_with_tags(DistributionConfigWithTags=with_tags)
    id, etag = d["Distribution"]["Id"], d["ETag"]
    assert d["Distribution"]["Status"] == "InProgress" and d["Distribution"]["DomainName"].endswith(".cloudfront.net")
    again = refused("DistributionAlreadyExists", cf.create_distribution_with_tags, DistributionConfigWithTags=with_tags)
    assert again["Error"]["Message"].endswith(f"Already exists: {id}")
    cf.get_waiter("distribution_deployed").wait(Id=id, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    got = cf.get_distribution_config(Id=id)
    full = got["DistributionConfig"]
    assert got["ETag"] == etag and full["PriceClass"] == "PriceClass_All" and full["DefaultCacheBehavior"]["AllowedMethods"]["Items"] == ["HEAD", "GET"]
    assert full["Origins"]["Items"][1]["CustomOriginConfig"]["OriginReadTimeout"] == 30 and full["Aliases"] == {"Quantity": 0}
    assert full["CacheBehaviors"]["Items"][0]["AllowedMethods"]["Quantity"] == 7
    refused("OriginAccessControlInUse", cf.delete_origin_access_control, Id=oac, IfMatch=changed["ETag"])
    refused("FunctionInUse", cf.delete_function, Name="spa", IfMatch=up["ETag"])
    summary = cf.list_distributions()["DistributionList"]["Items"][0]
    assert summary["Id"] == id and "CallerReference" not in summary and summary["Comment"] == "shop"

    arn_ = d["Distribution"]["ARN"]
    cf.tag_resource(Resource=arn_, Tags={"Items": [{"Key": "b", "Value": "2"}]})
    cf.untag_resource(Resource=arn_, TagKeys={"Items": ["a"]})
    assert cf.list_tags_for_resource(Resource=arn_)["Tags"]["Items"] == [{"Key": "b", "Value": "2"}]
    tagging = boto3.client("resourcegroupstaggingapi", endpoint_url=url, region_name="us-east-1")
    assert tagging.get_resources(TagFilters=[{"Key": "b"}], ResourceTypeFilters=["cloudfront:distribution"])["ResourceTagMappingList"][0]["ResourceARN"] == arn_

    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "i1"}
    i = cf.create_invalidation(DistributionId=id, InvalidationBatch=batch)["Invalidation"]
    assert i["Status"] == "InProgress" and i["InvalidationBatch"] == batch
    cf.get_waiter("invalidation_completed").wait(DistributionId=id, Id=i["Id"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})

    refused("DistributionNotDisabled", cf.delete_distribution, Id=id, IfMatch=etag)
    refused("PreconditionFailed", cf.update_distribution, Id=id, IfMatch="E0", DistributionConfig=full)
    refused("IllegalUpdate", cf.update_distribution, Id=id, IfMatch=etag, DistributionConfig={**full, "CallerReference": "r2"})
    full["Enabled"] = False
    off = cf.update_distribution(Id=id, IfMatch=etag, DistributionConfig=full)
    assert off["Distribution"]["DistributionConfig"] == full
    refused("DistributionNotDisabled", cf.delete_distribution, Id=id, IfMatch=off["ETag"])
    cf.get_waiter("distribution_deployed").wait(Id=id, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    refused("PreconditionFailed", cf.delete_distribution, Id=id, IfMatch=etag)
    cf.delete_distribution(Id=id, IfMatch=off["ETag"])
    refused("NoSuchDistribution", cf.get_distribution, Id=id)
    cf.delete_function(Name="spa", IfMatch=up["ETag"])
    cf.delete_origin_access_control(Id=oac, IfMatch=changed["ETag"])


if __name__ == "__main__":
    main(sys.argv[1])
    print("cloudfront: ok")
