"""Changes behind the program's back, one of each sort.

They prove two things: that the facts can fail, and that the program sees exactly what somebody else changed and puts it back.
Each is (fact that must fail, node that the plan must name, how).
"""
import json

from expected import PREFIX
from facts import as_list

CHANGES = []


def change(fact, node):
    def register(make):
        CHANGES.append((fact, node, make))
        return make
    return register


@change("network: the VPC resolves names and gives its hosts names", "ec2.vpc.main")
def _(stack):
    stack.client("ec2").modify_vpc_attribute(VpcId=stack.vpc["VpcId"], EnableDnsHostnames={"Value": False})


@change("network: both private subnets reach the internet through the NAT gateway alone", "ec2.route-table.private")
def _(stack):
    private = stack.subnets["10.0.10.0/24"]["SubnetId"]
    [table] = [one for one in stack.route_tables if private in {two.get("SubnetId") for two in one["Associations"]}]
    stack.client("ec2").delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")


@change("network: the private subnets reach S3 through a gateway endpoint, and so their image layers pass no NAT gateway", "ec2.vpc-endpoint.s3")
def _(stack):
    [endpoint] = stack.endpoints
    stack.client("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=endpoint["RouteTableIds"])


@change("tags: every object of the network says project, environment, node and name", "ec2.subnet.public-a")
def _(stack):
    stack.client("ec2").delete_tags(Resources=[stack.subnets["10.0.0.0/24"]["SubnetId"]], Tags=[{"Key": "landing:node"}])


@change("groups: into ui_iot comes exactly what must", "ec2.security-group-rule.foreign-")
def _(stack):
    open_ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    stack.client("ec2").authorize_security_group_ingress(GroupId=stack.groups["ui_iot"]["GroupId"], IpPermissions=[open_ssh])


@change("groups: into keycloak-database comes exactly what must", "ec2.security-group-rule.keycloak-database-5432-from-keycloak")
def _(stack):
    group = stack.groups["keycloak-database"]
    stack.client("ec2").revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


@change("groups: out of alb goes exactly what must", "ec2.security-group.alb")
def _(stack):
    anything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    stack.client("ec2").authorize_security_group_egress(GroupId=stack.groups["alb"]["GroupId"], IpPermissions=[anything])


@change("logs: a group for every task, kept for seven days", "logs.group.mqtt")
def _(stack):
    stack.client("logs").put_retention_policy(logGroupName=f"/ecs/{PREFIX}/mqtt", retentionInDays=30)


@change("images: every repository scans what is pushed", "ecr.repository.ui_iot")
def _(stack):
    stack.client("ecr").put_image_scanning_configuration(repositoryName=f"{PREFIX}/ui_iot", imageScanningConfiguration={"scanOnPush": False})


@change("images: every repository keeps the last ten images and lets go of the rest", "ecr.repository.mqtt")
def _(stack):
    stack.client("ecr").delete_lifecycle_policy(repositoryName=f"{PREFIX}/mqtt")


@change("secrets: the execution role of mqtt reads exactly its own secrets", "iam.role.mqtt-execution")
def _(stack):
    grant(stack, "mqtt-execution", "secretsmanager:GetSecretValue", stack.secrets["timescale-url"])


@change("roles: what the application runs with may do nothing", "iam.role.ui_iot-task")
def _(stack):
    grant(stack, "ui_iot-task", "s3:*", "*")


def grant(stack, role, action, resource):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    stack.client("iam").put_role_policy(RoleName=f"{PREFIX}-{role}", PolicyName="somebody-else", PolicyDocument=json.dumps(document))


@change("deploy: exactly one repository's main branch may take the role, and no key does", "iam.role.deploy")
def _(stack):
    [trust] = stack.roles["deploy"]["trust"]
    equals = trust["Condition"]["StringEquals"]
    [subject] = [key for key in equals if key.endswith(":sub")]
    wide = {"StringLike": {subject: "repo:example-org/*"}, "StringEquals": {key: value for key, value in equals.items() if key != subject}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Condition": wide}]}
    stack.client("iam").update_assume_role_policy(RoleName=f"{PREFIX}-deploy", PolicyDocument=json.dumps(document))


@change("database: one day of backups", "rds.instance.keycloak")
def _(stack):
    stack.client("rds").modify_db_instance(DBInstanceIdentifier=stack.database["DBInstanceIdentifier"], BackupRetentionPeriod=3, ApplyImmediately=True)


@change("services: a deployment that fails goes back by itself", "ecs.service.dispatcher")
def _(stack):
    rules = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}, "minimumHealthyPercent": 0, "maximumPercent": 100}
    stack.client("ecs").update_service(cluster=PREFIX, service="dispatcher", deploymentConfiguration=rules)


@change("edge: HTTP on 80, and what no path matches goes to the default service", "elbv2.listener.http")
def _(stack):
    nothing = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}
    stack.client("elbv2").modify_listener(ListenerArn=stack.listeners("alb")[80]["ListenerArn"], DefaultActions=[nothing])


@change("edge: the paths of keycloak lead to it, with and without what follows, and no other does", "elbv2.rule.keycloak-auth")
def _(stack):
    [rule] = [one for one in stack.rules if "/auth/*" in json.dumps(one["Conditions"])]
    stack.client("elbv2").modify_rule(RuleArn=rule["RuleArn"], Conditions=[{"Field": "path-pattern", "Values": ["/login/*"]}])


@change("edge: keycloak is asked for its health where it answers", "elbv2.target-group.keycloak")
def _(stack):
    stack.client("elbv2").modify_target_group(TargetGroupArn=stack.targets_of("keycloak")[8080]["TargetGroupArn"], HealthCheckPath="/")


@change("site: the bucket blocks public access in all four ways", "s3.bucket.spa")
def _(stack):
    stack.client("s3").delete_public_access_block(Bucket=stack.bucket)


@change("site: only this distribution may read the bucket, and nobody may write by its policy", "s3.bucket-policy.spa")
def _(stack):
    policy = json.loads(stack.client("s3").get_bucket_policy(Bucket=stack.bucket)["Policy"])
    [statement] = as_list(policy["Statement"])
    policy["Statement"] = [statement, {**statement, "Sid": "Everybody", "Principal": "*", "Condition": {}}]
    stack.client("s3").put_bucket_policy(Bucket=stack.bucket, Policy=json.dumps(policy))


@change("site: the bucket has the built files, each as it is, with its type and how long it may be kept", "s3.site.spa")
def _(stack):
    stack.client("s3").put_object(Bucket=stack.bucket, Key="index.html", Body=b"somebody else's")


@change("site: exactly the paths of the services go to the load balancer, whole and never cached", "cloudfront.distribution.spa")
def _(stack):
    cloudfront, one = stack.client("cloudfront"), stack.distribution["Id"]
    reply = cloudfront.get_distribution_config(Id=one)
    config = reply["DistributionConfig"]
    config["CacheBehaviors"]["Items"] = config["CacheBehaviors"]["Items"][1:]
    config["CacheBehaviors"]["Quantity"] -= 1
    cloudfront.update_distribution(Id=one, IfMatch=reply["ETag"], DistributionConfig=config)
