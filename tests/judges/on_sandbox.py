"""boto3 and the AWS CLI judge the sandbox: every story of `crates/sandbox/tests`, and then the whole way of the example over HTTP.

With names of stories as arguments only those, and `journey` for the way of the example.
"""
import subprocess
import sys
import time

from journey import CREDENTIALS, REGION, ROOT, Journey, binary
from report import Report
from server import Server

STORIES = ROOT / "crates" / "sandbox" / "tests"
# AWS seconds in one second. Where a story looks at states that pass, it must be able to see them; where it only waits, with the CLI's waiters that look
# twice a minute, it should find things ready at the first look.
SCALE, OTHER = 600, {"cloudfront": 60, "rds": 60, "ecs": 60, "elbv2": 60, "ecs_behind_alb": 60, "by_hand": 6000}


def sandbox(scale):
    return Server([binary(), "sandbox", "serve", "--port", "0", "--time-scale", str(scale), "--region", REGION])


def story(path):
    keys = {"AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"]}
    with sandbox(OTHER.get(path.stem, SCALE)) as server:
        environment = {**server.environment, **keys, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
        done = subprocess.run([sys.executable, str(path), server.url], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.strip() or done.stdout.strip()


def main(names):
    report = Report()
    stories = [path for path in sorted(STORIES.glob("*/[!_]*.py")) if not names or path.stem in names]
    for path in stories:
        started = time.monotonic()
        report.check(f"story: {path.parent.name}/{path.stem}", story, path)
        print(f"     {time.monotonic() - started:.1f}s", flush=True)
    code = report.end("stories") if stories else 0
    if not names or "journey" in names:
        with sandbox(SCALE) as server:
            code |= Journey(server.url, forgetful=True).run().end("sandbox")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
