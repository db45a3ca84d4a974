"""A PostgreSQL instance with its groups and its managed secret, from creating to gone."""
import json

from _aws import client, network, refused, until


def main():
    rds, sm = client("rds"), client("secretsmanager")
    vpc, subnets, group = network()

    # Subnet group
    two = dict(DBSubnetGroupName="Pulse-Dev", DBSubnetGroupDescription="pulse", SubnetIds=subnets[:2])
    refused("DBSubnetGroupDoesNotCoverEnoughAZs", rds.create_db_subnet_group, **dict(two, SubnetIds=[subnets[0], subnets[2]]))
    refused("InvalidSubnet", rds.create_db_subnet_group, **dict(two, SubnetIds=[subnets[0], "nobody"]))
    refused("InvalidParameterValue", rds.create_db_subnet_group, **dict(two, DBSubnetGroupName="default"))
    made = rds.create_db_subnet_group(**two, Tags=[{"Key": "a", "Value": "1"}])["DBSubnetGroup"]
    assert made["DBSubnetGroupName"] == "pulse-dev" and made["SubnetGroupStatus"] == "Complete" and made["VpcId"] == vpc
    refused("DBSubnetGroupAlreadyExists", rds.create_db_subnet_group, **dict(two, DBSubnetGroupName="PULSE-dev"))
    refused("DBSubnetGroupNotFoundFault", rds.describe_db_subnet_groups, DBSubnetGroupName="nobody")
    rds.modify_db_subnet_group(DBSubnetGroupName="pulse-dev", SubnetIds=subnets)
    seen = rds.describe_db_subnet_groups(DBSubnetGroupName="PULSE-DEV")["DBSubnetGroups"][0]
    assert [s["SubnetIdentifier"] for s in seen["Subnets"]] == subnets

    # Parameter group
    rds.create_db_parameter_group(DBParameterGroupName="Pulse-16", DBParameterGroupFamily="postgres16", Description="pulse")
    refused("DBParameterGroupAlreadyExists", rds.create_db_parameter_group, DBParameterGroupName="pulse-16", DBParameterGroupFamily="postgres16", Description="pulse")
    refused("InvalidParameterValue", rds.create_db_parameter_group, DBParameterGroupName="x--y", DBParameterGroupFamily="postgres16", Description="x")
    refused("InvalidParameterValue", rds.create_db_parameter_group, DBParameterGroupName="x", DBParameterGroupFamily="postgres1", Description="x")
    ssl = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="pulse-16", Parameters=[ssl])
    static = {"ParameterName": "max_connections", "ParameterValue": "50", "ApplyMethod": "immediate"}
    refused("InvalidParameterCombination", rds.modify_db_parameter_group, DBParameterGroupName="pulse-16", Parameters=[static])
    refused("InvalidParameterValue", rds.modify_db_parameter_group, DBParameterGroupName="default.postgres16", Parameters=[ssl])
    user = rds.describe_db_parameters(DBParameterGroupName="pulse-16", Source="user")["Parameters"]
    assert [(p["ParameterName"], p["ParameterValue"]) for p in user] == [("rds.force_ssl", "0")]
    assert rds.describe_db_parameter_groups(DBParameterGroupName="pulse-16")["DBParameterGroups"][0]["DBParameterGroupFamily"] == "postgres16"
    refused("DBParameterGroupNotFound", rds.describe_db_parameter_groups, DBParameterGroupName="nobody")

    # What can be ordered
    assert rds.describe_db_engine_versions(Engine="postgres", EngineVersion="16")["DBEngineVersions"][-1]["EngineVersion"].startswith("16.")
    assert rds.describe_orderable_db_instance_options(Engine="postgres", EngineVersion="16", DBInstanceClass="db.t3.micro")["OrderableDBInstanceOptions"]

    # Instance
    wish = dict(DBInstanceIdentifier="Pulse-Dev", DBInstanceClass="db.t3.micro", Engine="postgres", EngineVersion="16", AllocatedStorage=20,
                DBName="app", MasterUsername="pulse", ManageMasterUserPassword=True, DBSubnetGroupName="pulse-dev", VpcSecurityGroupIds=[group],
                DBParameterGroupName="pulse-16", PubliclyAccessible=False, DeletionProtection=True, Tags=[{"Key": "landing:node", "Value": "rds.db"}])
    without = lambda *keys: {k: v for k, v in wish.items() if k not in keys}
    refused("InvalidParameterCombination", rds.create_db_instance, **wish, MasterUserPassword="long-enough")
    refused("InvalidParameterCombination", rds.create_db_instance, **without("ManageMasterUserPassword"))
    refused("InvalidParameterValue", rds.create_db_instance, **dict(without("ManageMasterUserPassword"), MasterUserPassword="short"))
    refused("InvalidParameterValue", rds.create_db_instance, **dict(wish, MasterUsername="admin"))
    refused("InvalidParameterCombination", rds.create_db_instance, **dict(wish, EngineVersion="99"))
    refused("InvalidParameterCombination", rds.create_db_instance, **dict(wish, DBInstanceClass="db.t3.giant"))
    refused("InvalidParameterCombination", rds.create_db_instance, **dict(wish, AllocatedStorage=5))
    refused("InvalidParameterCombination", rds.create_db_instance, **dict(wish, EngineVersion="15"))
    refused("InvalidParameterValue", rds.create_db_instance, **dict(wish, VpcSecurityGroupIds=["nobody"]))
    refused("DBSubnetGroupNotFoundFault", rds.create_db_instance, **dict(wish, DBSubnetGroupName="nobody"))
    refused("DBParameterGroupNotFound", rds.create_db_instance, **dict(wish, DBParameterGroupName="nobody"))
    made = rds.create_db_instance(**wish)["DBInstance"]
    assert made["DBInstanceIdentifier"] == "pulse-dev" and made["DBInstanceStatus"] == "creating" and "Endpoint" not in made
    assert made["EngineVersion"].startswith("16."), made
    refused("DBInstanceAlreadyExists", rds.create_db_instance, **wish)
    refused("InvalidDBInstanceState", rds.modify_db_instance, DBInstanceIdentifier="pulse-dev", DeletionProtection=False)
    secret = made["MasterUserSecret"]["SecretArn"]
    assert ":secret:rds!db-" in secret
    assert set(json.loads(sm.get_secret_value(SecretId=secret)["SecretString"])) == {"username", "password"}
    refused("InvalidRequestException", sm.delete_secret, SecretId=secret)

    states = []
    def state():
        now = rds.describe_db_instances(DBInstanceIdentifier="PULSE-DEV")["DBInstances"][0]
        if now["DBInstanceStatus"] not in states:
            states.append(now["DBInstanceStatus"])
        return now
    until(lambda: state()["DBInstanceStatus"] == "available")
    assert states == ["creating", "backing-up", "available"], states
    live = state()
    assert live["Endpoint"]["Port"] == 5432 and live["Endpoint"]["Address"].startswith("pulse-dev.")
    assert live["MasterUserSecret"]["SecretStatus"] == "active" and live["DBSubnetGroup"]["VpcId"] == vpc
    assert [g["VpcSecurityGroupId"] for g in live["VpcSecurityGroups"]] == [group]
    assert live["TagList"] == [{"Key": "landing:node", "Value": "rds.db"}]
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="pulse-dev", WaiterConfig={"Delay": 1})
    assert rds.describe_db_instances(Filters=[{"Name": "db-instance-id", "Values": ["pulse-dev", "nobody"]}])["DBInstances"]
    refused("DBInstanceNotFound", rds.describe_db_instances, DBInstanceIdentifier="nobody")

    # Tags
    arn = live["DBInstanceArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["b"])
    assert {t["Key"] for t in rds.list_tags_for_resource(ResourceName=arn)["TagList"]} == {"a", "landing:node"}
    refused("DBInstanceNotFound", rds.list_tags_for_resource, ResourceName=arn + "x")

    # Changes
    change = lambda **what: rds.modify_db_instance(DBInstanceIdentifier="pulse-dev", **what)["DBInstance"]
    refused("InvalidParameterCombination", rds.modify_db_instance, DBInstanceIdentifier="pulse-dev")
    refused("InvalidParameterCombination", rds.modify_db_instance, DBInstanceIdentifier="pulse-dev", AllocatedStorage=10)
    refused("DBInstanceNotFound", rds.modify_db_instance, DBInstanceIdentifier="nobody", MultiAZ=True)
    waiting = change(DBInstanceClass="db.t3.small")
    assert waiting["PendingModifiedValues"] == {"DBInstanceClass": "db.t3.small"} and waiting["DBInstanceStatus"] == "available"
    assert change(DBInstanceClass="db.t3.small", ApplyImmediately=True)["DBInstanceStatus"] == "modifying"
    refused("InvalidDBInstanceState", rds.modify_db_instance, DBInstanceIdentifier="pulse-dev", BackupRetentionPeriod=7)
    until(lambda: state()["DBInstanceStatus"] == "available")
    assert state()["DBInstanceClass"] == "db.t3.small" and not state()["PendingModifiedValues"]
    rds.reboot_db_instance(DBInstanceIdentifier="pulse-dev")
    until(lambda: state()["DBInstanceStatus"] == "available")

    # The end
    gone = lambda **how: dict(DBInstanceIdentifier="pulse-dev", **how)
    refused("InvalidParameterCombination", rds.delete_db_instance, **gone())
    refused("InvalidParameterCombination", rds.delete_db_instance, **gone(SkipFinalSnapshot=True))
    change(DeletionProtection=False, ApplyImmediately=True)
    until(lambda: state()["DBInstanceStatus"] == "available")
    refused("InvalidParameterCombination", rds.delete_db_instance, **gone(SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="last"))
    refused("InvalidDBSubnetGroupStateFault", rds.delete_db_subnet_group, DBSubnetGroupName="pulse-dev")
    standing = rds.describe_db_instance_automated_backups(DBInstanceIdentifier="pulse-dev")["DBInstanceAutomatedBackups"]
    assert [one["Status"] for one in standing] == ["active"]
    last = gone(FinalDBSnapshotIdentifier="last", DeleteAutomatedBackups=False)
    assert rds.delete_db_instance(**last)["DBInstance"]["DBInstanceStatus"] == "deleting"
    refused("InvalidDBInstanceState", rds.delete_db_instance, **gone(SkipFinalSnapshot=True))
    refused("InvalidDBSubnetGroupStateFault", rds.delete_db_subnet_group, DBSubnetGroupName="pulse-dev")
    refused("InvalidDBParameterGroupState", rds.delete_db_parameter_group, DBParameterGroupName="pulse-16")
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="pulse-dev", WaiterConfig={"Delay": 1})
    refused("ResourceNotFoundException", sm.describe_secret, SecretId=secret)
    # What outlives it
    [snapshot] = rds.describe_db_snapshots(DBInstanceIdentifier="pulse-dev")["DBSnapshots"]
    assert (snapshot["DBSnapshotIdentifier"], snapshot["SnapshotType"], snapshot["Status"]) == ("last", "manual", "available")
    refused("DBSnapshotNotFound", rds.describe_db_snapshots, DBSnapshotIdentifier="nobody")
    for waiter in ("db_snapshot_available", "db_snapshot_completed"):
        rds.get_waiter(waiter).wait(DBSnapshotIdentifier="last", WaiterConfig={"Delay": 1})
    rds.get_waiter("db_snapshot_deleted").wait(DBSnapshotIdentifier="nobody", WaiterConfig={"Delay": 1})
    kept = rds.describe_db_instance_automated_backups(Filters=[{"Name": "status", "Values": ["retained"]}])["DBInstanceAutomatedBackups"]
    assert [one["DBInstanceIdentifier"] for one in kept] == ["pulse-dev"]
    rds.delete_db_subnet_group(DBSubnetGroupName="pulse-dev")
    rds.delete_db_parameter_group(DBParameterGroupName="pulse-16")
    refused("DBSubnetGroupNotFoundFault", rds.delete_db_subnet_group, DBSubnetGroupName="pulse-dev")
    refused("DBParameterGroupNotFound", rds.delete_db_parameter_group, DBParameterGroupName="pulse-16")


if __name__ == "__main__":
    main()
