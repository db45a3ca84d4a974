//! What removes an object that landing does not remove by itself: the AWS CLI's own command.

use crate::Aws;

pub(super) fn command(aws: &Aws, kind: &str, id: &str) -> String {
    let (service, rest) = match kind {
        "ec2.vpc" => ("ec2", format!("delete-vpc --vpc-id {id}")),
        "ec2.internet-gateway" => ("ec2", format!("delete-internet-gateway --internet-gateway-id {id}")),
        "ec2.subnet" => ("ec2", format!("delete-subnet --subnet-id {id}")),
        "ec2.elastic-ip" => ("ec2", format!("release-address --allocation-id {id}")),
        "ec2.nat-gateway" => ("ec2", format!("delete-nat-gateway --nat-gateway-id {id}")),
        "ec2.route-table" => ("ec2", format!("delete-route-table --route-table-id {id}")),
        "ec2.security-group" => ("ec2", format!("delete-security-group --group-id {id}")),
        "ec2.security-group-rule" => {
            ("ec2", format!("revoke-security-group-ingress --security-group-rule-ids {id} --group-id …"))
        }
        "ec2.vpc-endpoint" => ("ec2", format!("delete-vpc-endpoints --vpc-endpoint-ids {id}")),
        "ec2.network-interface" => ("ec2", format!("delete-network-interface --network-interface-id {id}")),
        "iam.role" => ("iam", format!("delete-role --role-name {id}")),
        "iam.oidc-provider" => ("iam", format!("delete-open-id-connect-provider --open-id-connect-provider-arn {id}")),
        "ecr.repository" => ("ecr", format!("delete-repository --force --repository-name {id}")),
        "secretsmanager.secret" => ("secretsmanager", format!("delete-secret --force-delete-without-recovery --secret-id {id}")),
        "rds.subnet-group" => ("rds", format!("delete-db-subnet-group --db-subnet-group-name {id}")),
        "rds.instance" => ("rds", format!("delete-db-instance --skip-final-snapshot --db-instance-identifier {id}")),
        "rds.snapshot" => ("rds", format!("delete-db-snapshot --db-snapshot-identifier {id}")),
        "rds.automated-backup" => ("rds", format!("delete-db-instance-automated-backup --dbi-resource-id {id}")),
        "efs.file-system" => ("efs", format!("delete-file-system --file-system-id {id}")),
        "efs.mount-target" => ("efs", format!("delete-mount-target --mount-target-id {id}")),
        "efs.access-point" => ("efs", format!("delete-access-point --access-point-id {id}")),
        "logs.group" => ("logs", format!("delete-log-group --log-group-name {id}")),
        "servicediscovery.namespace" => ("servicediscovery", "delete-namespace --id …".to_owned()),
        "servicediscovery.service" => ("servicediscovery", format!("delete-service --id {id}")),
        "ecs.cluster" => ("ecs", format!("delete-cluster --cluster {id}")),
        "ecs.task-definition" => ("ecs", format!("deregister-task-definition --task-definition {id}")),
        "ecs.service" => ("ecs", format!("delete-service --force --cluster {} --service {id}", cluster_of(id))),
        "ecs.task" => ("ecs", format!("stop-task --cluster {} --task {id}", cluster_of(id))),
        "elbv2.load-balancer" => ("elbv2", format!("delete-load-balancer --load-balancer-arn {id}")),
        "elbv2.target-group" => ("elbv2", format!("delete-target-group --target-group-arn {id}")),
        "elbv2.listener" => ("elbv2", format!("delete-listener --listener-arn {id}")),
        "elbv2.rule" => ("elbv2", format!("delete-rule --rule-arn {id}")),
        "s3.bucket" => ("s3", format!("rb --force s3://{id}")),
        "s3.bucket-policy" => ("s3api", format!("delete-bucket-policy --bucket {id}")),
        "cloudfront.distribution" => ("cloudfront", format!("delete-distribution --id {id} --if-match …")),
        "cloudfront.function" => ("cloudfront", format!("delete-function --name {id} --if-match …")),
        "cloudfront.origin-access-control" => ("cloudfront", format!("delete-origin-access-control --id {id} --if-match …")),
        _ => return format!("delete {id} with the tools of its service"),
    };
    format!("aws {service} {rest} --region {}", aws.region)
}

/// Of `arn:…:<word>/<cluster>/<name>`.
fn cluster_of(arn: &str) -> &str {
    arn.rsplit('/').nth(1).unwrap_or_default()
}
