"""Roles: of the tasks, and of the deploy from CI."""
from expected import PREFIX, REGION, SUBJECT, TASKS
from facts import as_list, fact
from report import equal

GITHUB = "token.actions.githubusercontent.com"


def actions_of(statements):
    return {action for statement in statements for action in as_list(statement["Action"])}


@fact("roles: two a task and one to deploy with, and no other")
def _(stack):
    equal(set(stack.roles), {f"{task}-{what}" for task in TASKS for what in ("execution", "task")} | {"deploy"})


@fact("roles: no role takes one of AWS's ready-made policies")
def _(stack):
    equal({name for name, role in stack.roles.items() if role["attached"]}, set())


@fact("roles: what the application runs with may do nothing")
def _(stack):
    equal({task: stack.roles[f"{task}-task"]["statements"] for task in TASKS}, {task: [] for task in TASKS})


@fact("roles: only ECS, and only for tasks of this account, can take a task's roles")
def _(stack):
    for name, role in stack.roles.items():
        if name == "deploy":
            continue
        [trust] = role["trust"]
        equal((name, trust["Effect"], trust["Principal"], as_list(trust["Action"])),
              (name, "Allow", {"Service": "ecs-tasks.amazonaws.com"}, ["sts:AssumeRole"]))
        equal((name, as_list(trust["Condition"]["StringEquals"]["aws:SourceAccount"])), (name, [stack.account]))


@fact("roles: an execution role writes its own log, pulls its own image, and can do nothing else")
def _(stack):
    for task in TASKS:
        log = f"arn:aws:logs:{REGION}:{stack.account}:log-group:/ecs/{PREFIX}/{task}:*"
        allowed = {
            "logs:CreateLogStream": [log], "logs:PutLogEvents": [log],
            # AWS knows no narrower resource for this one.
            "ecr:GetAuthorizationToken": ["*"],
            **{f"ecr:{what}": [stack.repositories[task]["repositoryArn"]]
               for what in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")},
        }
        found = {action: as_list(statement["Resource"]) for statement in stack.roles[f"{task}-execution"]["statements"]
                 for action in as_list(statement["Action"]) if action != "secretsmanager:GetSecretValue"}
        equal((task, found), (task, allowed))


@fact("deploy: GitHub is known as an identity provider, for AWS's audience alone")
def _(stack):
    iam = stack.client("iam")
    [provider] = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])
    equal((found["Url"].removeprefix("https://"), found["ClientIDList"]), (GITHUB, ["sts.amazonaws.com"]))


@fact("deploy: exactly one repository's main branch may take the role, and no key does")
def _(stack):
    [trust] = stack.roles["deploy"]["trust"]
    provider = f"arn:aws:iam::{stack.account}:oidc-provider/{GITHUB}"
    equal((trust["Principal"], as_list(trust["Action"])), ({"Federated": provider}, ["sts:AssumeRoleWithWebIdentity"]))
    equal(trust["Condition"], {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": SUBJECT}})


# What tells that a secret is there, and not what it holds.
ABOUT_SECRETS = {"secretsmanager:DescribeSecret", "secretsmanager:ListSecrets"}


@fact("deploy: the role has no wildcard action and reads no secret")
def _(stack):
    actions = actions_of(stack.roles["deploy"]["statements"]) - ABOUT_SECRETS
    equal({action for action in actions if "*" in action or action.startswith("secretsmanager:")}, set())


@fact("deploy: it may pass the tasks' roles, to ECS alone")
def _(stack):
    passing = [one for one in stack.roles["deploy"]["statements"] if "iam:PassRole" in as_list(one["Action"])]
    [statement] = passing
    equal(as_list(statement["Action"]), ["iam:PassRole"])
    equal(set(as_list(statement["Resource"])), {stack.roles[f"{task}-{what}"]["arn"] for task in TASKS for what in ("execution", "task")})
    equal(statement["Condition"], {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}})


@fact("deploy: it pushes to the stack's repositories and writes to its bucket only")
def _(stack):
    reach = {}
    for statement in stack.roles["deploy"]["statements"]:
        for action in as_list(statement["Action"]):
            reach.setdefault(action, set()).update(as_list(statement["Resource"]))
    equal(reach["ecr:PutImage"], {one["repositoryArn"] for one in stack.repositories.values()})
    equal(reach["s3:PutObject"], {f"arn:aws:s3:::{stack.bucket}/*"})
    equal(reach["cloudfront:CreateInvalidation"], {stack.distribution["ARN"]})
    equal(reach["ecs:UpdateService"], {f"arn:aws:ecs:{REGION}:{stack.account}:service/{PREFIX}/*"})
