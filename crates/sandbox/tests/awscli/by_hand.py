"""What somebody would type with the AWS CLI: a network, a database, a site, a service, each with the CLI's own waiters; and everything gone again."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

AWS = Path(sys.executable).with_name("aws")


def aws(command, *more, refused=None):
    """`command` as typed; `more` are arguments with spaces in them. The reply, parsed."""
    done = subprocess.run([AWS, *command.split(), *more, "--endpoint-url", sys.argv[1], "--output", "json"],
                          capture_output=True, text=True, timeout=120, check=False)
    if refused:
        assert done.returncode != 0 and refused in done.stderr, f"{command}: expected {refused}, got {done.stdout or done.stderr}"
        return None
    assert done.returncode == 0, f"{command}: {done.stderr.strip()}"
    return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[", '"')) else done.stdout.strip()


def network():
    vpc = aws("ec2 create-vpc --cidr-block 10.7.0.0/16 --tag-specifications ResourceType=vpc,Tags=[{Key=Name,Value=by-hand}] --query Vpc.VpcId")
    aws(f"ec2 wait vpc-available --vpc-ids {vpc}")
    gateway = aws("ec2 create-internet-gateway --query InternetGateway.InternetGatewayId")
    aws(f"ec2 attach-internet-gateway --internet-gateway-id {gateway} --vpc-id {vpc}")
    subnets = [aws(f"ec2 create-subnet --vpc-id {vpc} --cidr-block 10.7.{n}.0/24 --availability-zone us-west-2{zone} --query Subnet.SubnetId")
               for n, zone in enumerate("ab")]
    address = aws("ec2 allocate-address --domain vpc --query AllocationId")
    nat = aws(f"ec2 create-nat-gateway --subnet-id {subnets[0]} --allocation-id {address} --query NatGateway.NatGatewayId")
    aws(f"ec2 wait nat-gateway-available --nat-gateway-ids {nat}")
    assert aws("ec2 describe-vpcs --filters Name=tag:Name,Values=by-hand --query Vpcs[].VpcId") == [vpc]
    aws(f"ec2 delete-vpc --vpc-id {vpc}", refused="DependencyViolation")
    return vpc, gateway, subnets, address, nat


def network_gone(vpc, gateway, subnets, address, nat):
    aws(f"ec2 delete-nat-gateway --nat-gateway-id {nat}")
    aws(f"ec2 wait nat-gateway-deleted --nat-gateway-ids {nat}")
    aws(f"ec2 release-address --allocation-id {address}")
    aws(f"ec2 detach-internet-gateway --internet-gateway-id {gateway} --vpc-id {vpc}")
    aws(f"ec2 delete-internet-gateway --internet-gateway-id {gateway}")
    for subnet in subnets:
        aws(f"ec2 delete-subnet --subnet-id {subnet}")
    aws(f"ec2 delete-vpc --vpc-id {vpc}")
    aws(f"ec2 describe-vpcs --vpc-ids {vpc}", refused="InvalidVpcID.NotFound")


def database(subnets):
    aws(f"rds create-db-subnet-group --db-subnet-group-name by-hand --subnet-ids {' '.join(subnets)} --db-subnet-group-description", "by hand")
    aws("rds create-db-instance --db-instance-identifier by-hand --engine postgres --db-instance-class db.t3.micro --allocated-storage 20"
        " --master-username hand --manage-master-user-password --db-subnet-group-name by-hand")
    aws("rds wait db-instance-available --db-instance-identifier by-hand")
    aws("rds delete-db-instance --db-instance-identifier by-hand --skip-final-snapshot")
    aws("rds wait db-instance-deleted --db-instance-identifier by-hand")
    aws("rds delete-db-subnet-group --db-subnet-group-name by-hand")


def site():
    aws("s3 mb s3://by-hand")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "assets").mkdir()
        (Path(folder) / "index.html").write_text("<!doctype html>")
        (Path(folder) / "assets" / "app.js").write_text("1")
        aws(f"s3 sync {folder} s3://by-hand --no-progress")
        aws(f"s3 cp s3://by-hand/index.html {folder}/again.html --no-progress")
        assert (Path(folder) / "again.html").read_text() == "<!doctype html>"
    assert "assets/app.js" in aws("s3 ls s3://by-hand --recursive")
    aws("s3 rb s3://by-hand", refused="BucketNotEmpty")
    aws("s3 rb s3://by-hand --force")


def secret():
    aws("secretsmanager create-secret --name by-hand --secret-string hush")
    assert aws("secretsmanager get-secret-value --secret-id by-hand --query SecretString") == "hush"
    aws("secretsmanager delete-secret --secret-id by-hand --force-delete-without-recovery")


def service(subnets):
    aws("ecs create-cluster --cluster-name by-hand")
    aws("ecs register-task-definition --family by-hand --network-mode awsvpc --requires-compatibilities FARGATE --cpu 256 --memory 512"
        " --container-definitions", json.dumps([{"name": "web", "image": "public/web:1"}]))
    aws("ecs create-service --cluster by-hand --service-name web --task-definition by-hand --desired-count 1 --launch-type FARGATE"
        f" --network-configuration awsvpcConfiguration={{subnets=[{subnets[0]}],assignPublicIp=ENABLED}}")
    aws("ecs wait services-stable --cluster by-hand --services web")
    aws("ecs delete-service --cluster by-hand --service web --force")
    aws("ecs wait services-inactive --cluster by-hand --services web")
    aws("ecs deregister-task-definition --task-definition by-hand:1")
    aws("ecs delete-cluster --cluster by-hand")


def main():
    assert len(aws("sts get-caller-identity --query Account")) == 12
    parts = network()
    database(parts[2])
    service(parts[2])
    site()
    secret()
    network_gone(*parts)


if __name__ == "__main__":
    main()
    print("aws cli: ok")
