"""Keycloak's database."""
from expected import PRIVATE
from facts import fact
from report import equal


@fact("database: PostgreSQL 16 on db.t3.micro, named keycloak")
def _(stack):
    one = stack.database
    equal((one["Engine"], one["EngineVersion"].split(".")[0], one["DBInstanceClass"], one["DBName"]), ("postgres", "16", "db.t3.micro", "keycloak"))


@fact("database: 20 GiB that may grow to 100, encrypted")
def _(stack):
    one = stack.database
    equal((one["AllocatedStorage"], one["MaxAllocatedStorage"], one["StorageEncrypted"]), (20, 100, True))


@fact("database: not public, in exactly the private subnets")
def _(stack):
    equal(stack.database["PubliclyAccessible"], False)
    subnets = stack.database["DBSubnetGroup"]["Subnets"]
    equal({one["SubnetIdentifier"] for one in subnets}, stack.subnet_ids(PRIVATE))


@fact("database: behind its own security group and no other")
def _(stack):
    groups = [one["VpcSecurityGroupId"] for one in stack.database["VpcSecurityGroups"]]
    equal(groups, [stack.groups["keycloak-database"]["GroupId"]])


@fact("database: one day of backups")
def _(stack):
    equal(stack.database["BackupRetentionPeriod"], 1)


@fact("database: RDS made its password and keeps it")
def _(stack):
    secret = stack.database["MasterUserSecret"]
    assert secret["SecretArn"].startswith("arn:") and secret["SecretStatus"] == "active", secret
