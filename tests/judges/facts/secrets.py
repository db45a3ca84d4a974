"""Secrets: where they are, and where they must not be."""
import json
import re

from expected import SECRETS, TASKS
from facts import as_list, fact
from report import equal

GENERATED = {"keycloak-admin": "admin", "mqtt-creds": "pulse"}


@fact("secrets: exactly the three of the project, and the one that RDS keeps")
def _(stack):
    equal(set(stack.secrets), {"timescale-url", "keycloak-admin", "mqtt-creds", "rds"})


@fact("secrets: timescale-url holds what was given")
def _(stack):
    equal(stack.secret_value("timescale-url") == stack.given.timescale_url, True)


@fact("secrets: {} holds its user and a generated password of at least 24 letters and digits", each=sorted(GENERATED))
def _(stack, name):
    value = json.loads(stack.secret_value(name))
    equal((set(value), value["username"]), ({"username", "password"}, GENERATED[name]))
    assert re.fullmatch(r"[A-Za-z0-9]{24,}", value["password"]), "the password is too short or hard to put into a URL"


def values(stack):
    """All that nobody may see: whole values, and the passwords in them."""
    found = {stack.given.timescale_url, stack.given.password}
    for name in GENERATED:
        text = stack.secret_value(name)
        found |= {text, json.loads(text)["password"]}
    return found


@fact("secrets: no two passwords are equal")
def _(stack):
    passwords = {json.loads(stack.secret_value(name))["password"] for name in GENERATED}
    equal(len(passwords), len(GENERATED))


@fact("secrets: no value stands in any task definition, of any revision")
def _(stack):
    ecs = stack.client("ecs")
    for arn in ecs.list_task_definitions()["taskDefinitionArns"]:
        text = json.dumps(ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]), default=str)
        assert not any(json.dumps(value)[1:-1] in text or value in text for value in values(stack)), f"a value stands in {arn}"


@fact("secrets: no value stands in the state, the journal or anything that was printed")
def _(stack):
    texts = {path.name: path.read_text() for path in stack.given.folder.iterdir() if path.is_file()}
    texts["what was printed"] = "".join(stack.given.printed)
    assert any(name.endswith(".json") for name in texts), "no state file was looked at"
    for name, text in texts.items():
        assert not any(json.dumps(value)[1:-1] in text or value in text for value in values(stack)), f"a value stands in {name}"


@fact("secrets: the state file is its owner's alone")
def _(stack):
    for path in stack.given.folder.glob("*.json"):
        equal(oct(path.stat().st_mode & 0o777), oct(0o600))


@fact("secrets: no plain environment variable is named like a credential")
def _(stack):
    like = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|DATABASE_URL")
    for task in TASKS:
        plain = {one["name"] for one in stack.container(task)["environment"]}
        equal((task, {name for name in plain if like.search(name)}), (task, set()))


@fact("secrets: {} gets exactly its own, by reference", each=TASKS)
def _(stack, task):
    def reference(secret, key):
        return stack.secrets[secret] + (f":{key}::" if key else "")

    wanted = {name: reference(*where) for name, where in SECRETS[task].items()}
    equal({one["name"]: one["valueFrom"] for one in stack.container(task).get("secrets", [])}, wanted)


@fact("secrets: the execution role of {} reads exactly its own secrets", each=TASKS)
def _(stack, task):
    readable = set()
    role = stack.definitions[task]["executionRoleArn"].rsplit(f"{task}-", 1)
    equal(role[1], "execution")
    for statement in stack.roles[f"{task}-execution"]["statements"]:
        actions = {action for action in as_list(statement["Action"]) if action.startswith(("secretsmanager:", "*", "ssm:", "kms:"))}
        if actions:
            equal((statement["Effect"], actions), ("Allow", {"secretsmanager:GetSecretValue"}))
            readable |= set(as_list(statement["Resource"]))
    equal(readable, {stack.secrets[secret] for secret, _ in SECRETS[task].values()})
