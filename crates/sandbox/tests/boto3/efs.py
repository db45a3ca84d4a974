"""EFS: file systems, their mount targets and access points, and a task that mounts one."""
import json

from _aws import client, network, refused, trust, until

EVERYBODY = {"Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}


def file_system(efs):
    ask = dict(CreationToken="one", Encrypted=True, ThroughputMode="elastic", Tags=[{"Key": "Name", "Value": "data"}])
    made = efs.create_file_system(**ask)
    files = made["FileSystemId"]
    refused("IncorrectFileSystemLifeCycleState", efs.create_access_point, ClientToken="early", FileSystemId=files)
    assert made["LifeCycleState"] == "creating" and made["Name"] == "data" and made["KmsKeyId"], made
    refused("FileSystemAlreadyExists", efs.create_file_system, CreationToken="one")
    for bad in ({"CreationToken": "x" * 65}, {"CreationToken": "x", "PerformanceMode": "maxIO", "ThroughputMode": "elastic"}, {"CreationToken": "x", "ThroughputMode": "fast"}):
        refused("BadRequest", efs.create_file_system, **bad)
    read = lambda: efs.describe_file_systems(FileSystemId=files)["FileSystems"][0]
    until(lambda: read()["LifeCycleState"] == "available")
    assert efs.describe_file_systems(CreationToken="one")["FileSystems"] == [read()]
    refused("FileSystemNotFound", efs.describe_file_systems, FileSystemId="fs-nobody")
    efs.create_file_system(CreationToken="two")
    both = efs.get_paginator("describe_file_systems").paginate(PaginationConfig={"PageSize": 1}).build_full_result()["FileSystems"]
    assert {it["CreationToken"]: it["Encrypted"] for it in both} == {"one": True, "two": False}

    assert efs.update_file_system(FileSystemId=files, ThroughputMode="bursting")["ThroughputMode"] == "bursting"
    refused("PolicyNotFound", efs.describe_file_system_policy, FileSystemId=files)
    refused("InvalidPolicyException", efs.put_file_system_policy, FileSystemId=files, Policy="{")
    efs.put_file_system_policy(FileSystemId=files, Policy=json.dumps(EVERYBODY))
    assert json.loads(efs.describe_file_system_policy(FileSystemId=files)["Policy"]) == EVERYBODY
    efs.delete_file_system_policy(FileSystemId=files)
    efs.put_backup_policy(FileSystemId=files, BackupPolicy={"Status": "ENABLED"})
    assert efs.describe_backup_policy(FileSystemId=files)["BackupPolicy"] == {"Status": "ENABLED"}
    efs.tag_resource(ResourceId=files, Tags=[{"Key": "a", "Value": "1"}])
    efs.untag_resource(ResourceId=files, TagKeys=["Name"])
    assert efs.list_tags_for_resource(ResourceId=read()["FileSystemArn"])["Tags"] == [{"Key": "a", "Value": "1"}]
    return files


def mount_targets(efs, files, subnets, group):
    make = lambda subnet, *groups: efs.create_mount_target(FileSystemId=files, SubnetId=subnet, SecurityGroups=groups)
    refused("SubnetNotFound", make, subnet="subnet-nobody")
    refused("SecurityGroupNotFound", efs.create_mount_target, FileSystemId=files, SubnetId=subnets[0], SecurityGroups=["sg-nobody"])
    refused("SecurityGroupLimitExceeded", efs.create_mount_target, FileSystemId=files, SubnetId=subnets[0], SecurityGroups=[group] * 6)
    made = make(subnets[0], group)
    assert made["LifeCycleState"] == "creating" and made["AvailabilityZoneName"] == "us-west-2a", made
    refused("MountTargetConflict", make, subnet=subnets[2])
    target = made["MountTargetId"]
    read = lambda: efs.describe_mount_targets(MountTargetId=target)["MountTargets"][0]
    until(lambda: read()["LifeCycleState"] == "available")
    assert efs.describe_mount_targets(FileSystemId=files)["MountTargets"] == [read()]
    interface = client("ec2").describe_network_interfaces(NetworkInterfaceIds=[made["NetworkInterfaceId"]])["NetworkInterfaces"][0]
    assert files in interface["Description"] and interface["RequesterManaged"] and interface["PrivateIpAddress"] == made["IpAddress"]
    other = client("ec2").create_security_group(GroupName="other", Description="other", VpcId=made["VpcId"])["GroupId"]
    efs.modify_mount_target_security_groups(MountTargetId=target, SecurityGroups=[other])
    assert efs.describe_mount_target_security_groups(MountTargetId=target)["SecurityGroups"] == [other]
    refused("FileSystemInUse", efs.delete_file_system, FileSystemId=files)
    refused("MountTargetNotFound", efs.describe_mount_targets, MountTargetId="fsmt-nobody")
    return target, other


def access_point(efs, files):
    folder = {"Path": "/data", "CreationInfo": {"OwnerUid": 999, "OwnerGid": 999, "Permissions": "0755"}}
    ask = dict(ClientToken="one", FileSystemId=files, PosixUser={"Uid": 999, "Gid": 999}, RootDirectory=folder)
    made = efs.create_access_point(**ask)
    assert made["RootDirectory"] == folder and made["PosixUser"] == {"Uid": 999, "Gid": 999}, made
    refused("AccessPointAlreadyExists", efs.create_access_point, **ask)
    refused("BadRequest", efs.create_access_point, ClientToken="two", FileSystemId=files, RootDirectory={"Path": "data"})
    point = made["AccessPointId"]
    until(lambda: efs.describe_access_points(AccessPointId=point)["AccessPoints"][0]["LifeCycleState"] == "available")
    assert [it["AccessPointId"] for it in efs.describe_access_points(FileSystemId=files)["AccessPoints"]] == [point]
    return point


def task(files, point, subnets, target_group):
    """What a task says that may not mount, and one that may."""
    ecs, iam, ec2, efs = client("ecs"), client("iam"), client("ec2"), client("efs")
    role = iam.create_role(RoleName="task", AssumeRolePolicyDocument=trust("ecs-tasks"))["Role"]["Arn"]
    vpc = ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
    ecs.create_cluster(clusterName="one")
    until(lambda: ecs.describe_clusters(clusters=["one"])["clusters"][0]["status"] == "ACTIVE")
    access = {"accessPointId": point, "iam": "ENABLED"}
    volume = lambda **more: {"name": "data", "efsVolumeConfiguration": {"fileSystemId": files, "transitEncryption": "ENABLED", "authorizationConfig": access, **more}}
    container = {"name": "job", "image": "busybox", "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
    ask = dict(family="job", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512", taskRoleArn=role, containerDefinitions=[container])
    for bad in ([], [volume(transitEncryption="DISABLED")], [volume(rootDirectory="/x")], [volume(), volume()], [{"name": "data", "host": {"sourcePath": "/x"}}]):
        refused("ClientException", ecs.register_task_definition, **ask, volumes=bad)
    made = ecs.register_task_definition(**ask, volumes=[volume()])["taskDefinition"]
    assert made["volumes"][0]["efsVolumeConfiguration"]["rootDirectory"] == "/", made

    def ends(subnet):
        network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
        run = ecs.run_task(cluster="one", taskDefinition="job", launchType="FARGATE", networkConfiguration=network)["tasks"][0]["taskArn"]
        read = lambda: ecs.describe_tasks(cluster="one", tasks=[run])["tasks"][0]
        until(lambda: read()["lastStatus"] == "STOPPED")
        return read()["stoppedReason"]

    assert "Failed to resolve" in ends(subnets[1]), "there is no mount target in that zone"
    assert "timed out" in ends(subnets[0]), "its group lets nobody in"
    nfs = [{"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "UserIdGroupPairs": [{"GroupId": group}]}]
    ec2.authorize_security_group_ingress(GroupId=target_group, IpPermissions=nfs)
    assert ends(subnets[0]) == "Essential container in task exited", "without a policy of its own it lets everybody in"
    efs.put_file_system_policy(FileSystemId=files, Policy=json.dumps(EVERYBODY))
    assert "access denied" in ends(subnets[0])
    arn = efs.describe_access_points(AccessPointId=point)["AccessPoints"][0]["AccessPointArn"]
    allow = {"Effect": "Allow", "Action": ["elasticfilesystem:ClientMount"], "Resource": efs.describe_file_systems(FileSystemId=files)["FileSystems"][0]["FileSystemArn"],
             "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": arn}}}
    iam.put_role_policy(RoleName="task", PolicyName="volumes", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    assert ends(subnets[0]) == "Essential container in task exited"


def main():
    efs = client("efs")
    _, subnets, group = network()
    files = file_system(efs)
    target, other = mount_targets(efs, files, subnets, group)
    point = access_point(efs, files)
    task(files, point, subnets, other)

    efs.delete_access_point(AccessPointId=point)
    until(lambda: not efs.describe_access_points(FileSystemId=files)["AccessPoints"])
    refused("AccessPointNotFound", efs.delete_access_point, AccessPointId=point)
    efs.delete_mount_target(MountTargetId=target)
    refused("IncorrectMountTargetState", efs.describe_mount_target_security_groups, MountTargetId=target)
    refused("FileSystemInUse", efs.delete_file_system, FileSystemId=files)
    refused("DependencyViolation", client("ec2").delete_security_group, GroupId=other)
    until(lambda: not efs.describe_mount_targets(FileSystemId=files)["MountTargets"])
    for it in efs.describe_file_systems()["FileSystems"]:
        efs.delete_file_system(FileSystemId=it["FileSystemId"])
    until(lambda: not efs.describe_file_systems()["FileSystems"])
    refused("FileSystemNotFound", efs.delete_file_system, FileSystemId=files)


if __name__ == "__main__":
    main()
