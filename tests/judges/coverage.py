"""What the stories drove, against what the sandbox models: every operation and every error code, read from its sources.

A code counts as driven when a call of that service was refused with it. What cannot be driven is listed here, each with its reason.
"""
import re
from pathlib import Path

import botocore.session

SERVICES = Path(__file__).resolve().parents[2] / "crates" / "sandbox" / "src" / "services"

# Folder or file of the service → its name in the call log (IAM's), and botocore's.
NAMES = {
    "cloudfront": ("cloudfront", "cloudfront"), "ec2": ("ec2", "ec2"), "ecr": ("ecr", "ecr"), "ecs": ("ecs", "ecs"),
    "efs": ("elasticfilesystem", "efs"),
    "elbv2": ("elasticloadbalancing", "elbv2"), "iam": ("iam", "iam"), "logs": ("logs", "logs"), "rds": ("rds", "rds"), "s3": ("s3", "s3"),
    "secretsmanager": ("secretsmanager", "secretsmanager"), "servicediscovery": ("servicediscovery", "servicediscovery"),
    "sts": ("sts", "sts"), "tagging": ("tagging", "resourcegroupstaggingapi"),
}

# (service of the log, operation or code) → why no client drives it.
NOT_DRIVEN = {
    ("ecs", "VcpuLimitExceeded"): "no code of the wire: RunTask answers 200 with the reason in `failures`, services have it in an event",
    ("s3", "BucketAlreadyExists"): "another account's bucket, which only a saved world can have: crates/cli/tests/shared_state.rs meets it",
}

# Codes that services answer without having them in their models, by botocore's name of the service.
UNMODELLED = {
    # The query protocol's own, and what API documentation has under "common errors".
    "elbv2": {"ValidationError", "LoadBalancerNotFound"},
    "rds": {"InvalidParameterValue", "InvalidParameterCombination", "MissingParameter"},
    "iam": {"ValidationError"},
    "sts": set(),
    "secretsmanager": {"ValidationException"},
    "cloudfront": {"MalformedXML"},
    "resourcegroupstaggingapi": set(),
}
# EC2 models no error at all, S3 only a few.
WITHOUT_MODEL = {"ec2", "s3"}

CODE = r'"([A-Za-z][A-Za-z0-9.]+)"'
REFUSALS = (rf"\bFault::new\(\s*{CODE}", rf"\b(?:none|refuse)\(\s*{CODE}", rf"\.need\([^;]*?,\s*{CODE}\)", r'"(NoSuch\w+Policy)"')


def sources(name):
    place = SERVICES / name
    files = sorted(place.rglob("*.rs")) if place.is_dir() else [place.with_suffix(".rs")]
    # Rust's own tests stand at the end of a file.
    return [path.read_text().split("#[cfg(test)]")[0] for path in files]


def operations():
    """(service, operation) of everything that a service's `match` names."""
    found = set()
    for name, (service, _) in NAMES.items():
        for text in sources(name):
            for arms in re.findall(r"match call\.operation\.as_str\(\) \{(.*?)\n    \}|Some\(match name \{(.*?)\n    \}\)", text, re.S):
                for left in re.findall(r'^\s*((?:"\w+"(?:\s*\|\s*)?)+)\s*=>', "".join(arms), re.M):
                    found |= {(service, operation) for operation in re.findall(r'"(\w+)"', left)}
    return found


def codes():
    """(service, code) of every refusal; quotas come with the service of the file that asks for them."""
    quotas = {constant: code for constant, code in re.findall(
        rf"const (\w+): Quota =\s*(?:named\([^;]*?)?(?:quota\(|iam\()\s*(?:{CODE})?", (SERVICES / "quotas.rs").read_text())}
    found = set()
    for name, (service, _) in NAMES.items():
        for text in sources(name):
            for pattern in REFUSALS:
                found |= {(service, code) for code in re.findall(pattern, text, re.S)}
            for constant in re.findall(r"quotas::([A-Z_]+)", text):
                found.add((service, quotas[constant] or "LimitExceeded"))
    return found


def spelled_right():
    """Codes that botocore's model of the service does not have."""
    session = botocore.session.get_session()
    wrong = set()
    names = dict(NAMES.values())
    for service, code in codes():
        name = names[service]
        if name in WITHOUT_MODEL:
            continue
        model = session.get_service_model(name)
        modelled = {shape.metadata.get("error", {}).get("code") or shape.name for shape in model.error_shapes}
        if (service, code) not in NOT_DRIVEN and code not in modelled | UNMODELLED.get(name, set()):
            wrong.add((service, code))
    return wrong


def missing(calls):
    """What is modelled and was not driven, as lines; and exceptions that are none."""
    driven = {(call["service"], call["operation"]) for call in calls}
    refused = {(call["service"], call["refused"]) for call in calls if call["refused"]}
    lines = [f"{service}:{operation} was never called" for service, operation in sorted(operations() - driven) if (service, operation) not in NOT_DRIVEN]
    lines += [f"{service} never answered {code}" for service, code in sorted(codes() - refused) if (service, code) not in NOT_DRIVEN]
    lines += [f"{service} {what} is driven, and is no exception" for service, what in sorted(NOT_DRIVEN) if (service, what) in driven | refused]
    return lines
