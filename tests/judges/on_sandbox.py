"""boto3 and the AWS CLI judge the sandbox: every story of `crates/sandbox/tests`, and then the whole way of the example over HTTP.

With names of stories as arguments only those, and `journey` for the way of the example. After all stories the log of their calls must show every operation
and every error code that the sandbox models (`coverage.py`).
"""
import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor

import coverage
from journey import CREDENTIALS, REGION, ROOT, Journey, binary
from report import Report
from server import Server

STORIES = ROOT / "crates" / "sandbox" / "tests"
# AWS seconds in one second. Where a story looks at states that pass, it must be able to see them, on a busy machine too; where it only waits, with the CLI's
# waiters that look twice a minute, it should find things ready at the first look.
SCALE = 600
OTHER = {"cloudfront": 60, "rds": 60, "ecs": 60, "elbv2": 60, "ecs_behind_alb": 60, "landing_zone": 120, "efs": 300,
         "faults": 10, "consistency": 120}

AT_ONCE = 2


def sandbox(scale, faults=None):
    command = [binary(), "sandbox", "serve", "--port", "0", "--time-scale", str(scale), "--region", REGION]
    return Server(command + (["--faults", str(faults)] if faults else []))


def story(path, calls):
    """Runs one on a sandbox of its own, with the faults of the file that lies beside it, and adds what it called to `calls`."""
    keys = {"AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"]}
    faults = path.with_suffix(".toml")
    with sandbox(OTHER.get(path.stem, SCALE), faults if faults.exists() else None) as server:
        environment = {**server.environment, **keys, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
        done = subprocess.run([sys.executable, str(path), server.url], env=environment, capture_output=True, text=True, timeout=300, check=False)
        calls += json.load(urllib.request.urlopen(f"{server.url}/_sandbox/calls", timeout=60))
    assert done.returncode == 0, done.stderr.strip() or done.stdout.strip()


def timed(work, *arguments):
    """How long it took, and what returns or raises as it did."""
    started, done = time.monotonic(), Future()
    try:
        done.set_result(work(*arguments))
    except Exception as error:  # noqa: BLE001
        done.set_exception(error)
    return time.monotonic() - started, done.result


def main(names):
    report = Report()
    stories = [path for path in sorted(STORIES.glob("*/[!_]*.py")) if not names or path.stem in names]
    calls = []
    # Mostly they wait, each for an AWS of its own.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for path, (seconds, ended) in zip(stories, pool.map(lambda path: timed(story, path, calls), stories)):
            report.check(f"story: {path.parent.name}/{path.stem}", ended)
            print(f"     {seconds:.1f}s", flush=True)
    if not names:
        report.equal(f"stories: drove all {len(coverage.operations())} operations and {len(coverage.codes())} codes of the sandbox", coverage.missing(calls), [])
        report.equal("stories: every code is one of the service's model in botocore", sorted(coverage.spelled_right()), [])
    code = report.end("stories") if stories else 0
    if not names or "journey" in names:
        with sandbox(SCALE) as server:
            code |= Journey(server.url, forgetful=True).run().end("sandbox")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
