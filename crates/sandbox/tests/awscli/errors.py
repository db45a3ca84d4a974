"""One refusal in every protocol, as the AWS CLI reads it: the code, and the operation that it belongs to."""
import subprocess
import sys
from pathlib import Path

AWS = Path(sys.executable).with_name("aws")

# Protocol → command, code, operation. A HEAD has no body, so there the status is the code.
REFUSALS = {
    "EC2": ("ec2 describe-vpcs --vpc-ids vpc-00000000000000000", "InvalidVpcID.NotFound", "DescribeVpcs"),
    "query, IAM": ("iam get-role --role-name nobody", "NoSuchEntity", "GetRole"),
    "query, ELBv2": ("elbv2 describe-load-balancers --names nobody", "LoadBalancerNotFound", "DescribeLoadBalancers"),
    "query, RDS": ("rds describe-db-instances --db-instance-identifier nobody", "DBInstanceNotFound", "DescribeDBInstances"),
    "JSON, ECS": ("ecs list-services --cluster nobody", "ClusterNotFoundException", "ListServices"),
    "JSON, ECR": ("ecr describe-repositories --repository-names nobody", "RepositoryNotFoundException", "DescribeRepositories"),
    "JSON, Secrets Manager": ("secretsmanager describe-secret --secret-id nobody", "ResourceNotFoundException", "DescribeSecret"),
    "JSON, Logs": ("logs delete-log-group --log-group-name /nobody", "ResourceNotFoundException", "DeleteLogGroup"),
    "JSON, Cloud Map": ("servicediscovery get-namespace --id ns-nobody", "NamespaceNotFound", "GetNamespace"),
    "JSON, Tagging API": ("resourcegroupstaggingapi get-resources --pagination-token x", "PaginationTokenExpiredException", "GetResources"),
    "REST-XML, S3": ("s3api get-bucket-tagging --bucket nobody", "NoSuchBucket", "GetBucketTagging"),
    "REST-XML, S3 without a body": ("s3api head-bucket --bucket nobody", "404", "HeadBucket"),
    "REST-XML, CloudFront": ("cloudfront get-distribution --id ENOBODY", "NoSuchDistribution", "GetDistribution"),
    "JSON, a service that is not modelled": ("dynamodb list-tables", "UnknownOperationException", "ListTables"),
}


def main(url):
    for protocol, (command, code, operation) in REFUSALS.items():
        done = subprocess.run([AWS, *command.split(), "--endpoint-url", url], capture_output=True, text=True, timeout=120, check=False)
        wanted = f"An error occurred ({code}) when calling the {operation} operation"
        assert done.returncode != 0 and wanted in done.stderr, f"{protocol}: {done.returncode} {done.stdout}{done.stderr}"


if __name__ == "__main__":
    main(sys.argv[1])
