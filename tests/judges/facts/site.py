"""Bucket and distribution."""
import json
from pathlib import Path

from botocore.exceptions import ClientError
from expected import ALL_VIEWER, CACHING_DISABLED, CACHING_OPTIMIZED, FILES, FOR_A_YEAR, PATHS, PREFIX, REGION, with_base
from facts import as_list, fact
from report import equal

DIST = Path(__file__).resolve().parents[3] / "examples" / "pulse" / "frontend" / "dist"


@fact("site: one bucket, pulse-dev-spa-<account>, in the region")
def _(stack):
    equal(stack.bucket, f"{PREFIX}-spa-{stack.account}")
    equal(stack.client("s3").get_bucket_location(Bucket=stack.bucket)["LocationConstraint"], REGION)


@fact("site: the bucket blocks public access in all four ways")
def _(stack):
    block = stack.client("s3").get_public_access_block(Bucket=stack.bucket)["PublicAccessBlockConfiguration"]
    equal(block, {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True})


@fact("site: the bucket is encrypted, and its owner owns every object")
def _(stack):
    s3 = stack.client("s3")
    [encryption] = s3.get_bucket_encryption(Bucket=stack.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    equal(encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
    [ownership] = s3.get_bucket_ownership_controls(Bucket=stack.bucket)["OwnershipControls"]["Rules"]
    equal(ownership["ObjectOwnership"], "BucketOwnerEnforced")


@fact("site: the bucket is no website of its own and grants nothing to everybody")
def _(stack):
    s3 = stack.client("s3")
    try:
        s3.get_bucket_website(Bucket=stack.bucket)
        raise AssertionError("it is a website")
    except ClientError as error:
        # The sandbox does not model websites, and says so; it cannot have one.
        equal(error.response["Error"]["Code"] in ("NoSuchWebsiteConfiguration", "NotImplemented"), True)


@fact("site: only this distribution may read the bucket, and nobody may write by its policy")
def _(stack):
    [statement] = json.loads(stack.client("s3").get_bucket_policy(Bucket=stack.bucket)["Policy"])["Statement"]
    equal((statement["Effect"], statement["Principal"]), ("Allow", {"Service": "cloudfront.amazonaws.com"}))
    equal((as_list(statement["Action"]), as_list(statement["Resource"])), (["s3:GetObject"], [f"arn:aws:s3:::{stack.bucket}/*"]))
    equal(statement["Condition"], {"StringEquals": {"AWS:SourceArn": stack.distribution["ARN"]}})


@fact("site: the bucket has the built files, each as it is, with its type and how long it may be kept")
def _(stack):
    s3 = stack.client("s3")
    found = {one["Key"] for one in s3.list_objects_v2(Bucket=stack.bucket)["Contents"]}
    equal(found, {*FILES, ".landing-published"})
    for key, (kind, kept) in FILES.items():
        stands = s3.get_object(Bucket=stack.bucket, Key=key)
        equal((stands["ContentType"], stands["CacheControl"]), (kind, FOR_A_YEAR if kept else "no-cache"))
        equal(stands["Body"].read(), (DIST / key).read_bytes())


def origins(stack):
    return {one["Id"]: one for one in stack.distribution["DistributionConfig"]["Origins"]["Items"]}


def origin_of(stack, behaviour):
    return origins(stack)[behaviour["TargetOriginId"]]["DomainName"]


def bucket_domain(stack):
    return f"{stack.bucket}.s3.{REGION}.amazonaws.com"


def alb_domain(stack):
    return stack.balancers["alb"]["DNSName"]


@fact("site: the distribution is on, deployed, and has exactly two origins, the bucket and the load balancer")
def _(stack):
    equal((stack.distribution["DistributionConfig"]["Enabled"], stack.distribution["Status"]), (True, "Deployed"))
    equal({one["DomainName"] for one in origins(stack).values()}, {bucket_domain(stack), alb_domain(stack)})


@fact("site: it reads the bucket with a signature, by an access control of its own")
def _(stack):
    [bucket] = [one for one in origins(stack).values() if one["DomainName"] == bucket_domain(stack)]
    control = stack.client("cloudfront").get_origin_access_control(Id=bucket["OriginAccessControlId"])["OriginAccessControl"]["OriginAccessControlConfig"]
    equal((control["OriginAccessControlOriginType"], control["SigningBehavior"], control["SigningProtocol"]), ("s3", "always", "sigv4"))


@fact("site: it speaks HTTP to the load balancer's port 80")
def _(stack):
    [alb] = [one for one in origins(stack).values() if one["DomainName"] == alb_domain(stack)]
    custom = alb["CustomOriginConfig"]
    equal((custom["OriginProtocolPolicy"], custom["HTTPPort"]), ("http-only", 80))


@fact("site: index.html is its root, and browsers are sent to HTTPS everywhere")
def _(stack):
    config = stack.distribution["DistributionConfig"]
    equal(config["DefaultRootObject"], "index.html")
    behaviours = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]["Items"]]
    equal({one["ViewerProtocolPolicy"] for one in behaviours}, {"redirect-to-https"})


@fact("site: what is no API path comes from the bucket, cached")
def _(stack):
    default = stack.distribution["DistributionConfig"]["DefaultCacheBehavior"]
    equal((origin_of(stack, default), default["CachePolicyId"]), (bucket_domain(stack), CACHING_OPTIMIZED))


@fact("site: exactly the paths of the services go to the load balancer, whole and never cached")
def _(stack):
    items = stack.distribution["DistributionConfig"]["CacheBehaviors"]["Items"]
    equal({one["PathPattern"] for one in items}, set().union(*map(with_base, PATHS.values())))
    for one in items:
        got = (origin_of(stack, one), one["CachePolicyId"], one["OriginRequestPolicyId"], len(one["AllowedMethods"]["Items"]))
        equal((one["PathPattern"], got), (one["PathPattern"], (alb_domain(stack), CACHING_DISABLED, ALL_VIEWER, 7)))


@fact("site: routing is a published function on the bucket's behaviour, so that the API keeps its own errors")
def _(stack):
    cloudfront = stack.client("cloudfront")
    config = stack.distribution["DistributionConfig"]
    equal((config.get("CustomErrorResponses") or {}).get("Quantity", 0), 0)
    [function] = config["DefaultCacheBehavior"]["FunctionAssociations"]["Items"]
    equal(function["EventType"], "viewer-request")
    name = function["FunctionARN"].rsplit("/", 1)[-1]
    live, development = (cloudfront.get_function(Name=name, Stage=stage)["FunctionCode"].read() for stage in ("LIVE", "DEVELOPMENT"))
    assert live == development and b"index.html" in live
    for one in config["CacheBehaviors"]["Items"]:
        equal((one["PathPattern"], (one.get("FunctionAssociations") or {}).get("Quantity", 0)), (one["PathPattern"], 0))
