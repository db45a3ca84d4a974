//! Too fast, not allowed, no longer known.

use serde_json::json;

use super::{TRUST, client, code, pass, text};

#[tokio::test(start_paused = true)]
async fn a_burst_empties_the_bucket_and_time_fills_it() {
    let aws = client("throttle = { buckets = true }");
    let nat = [("NatGatewayId", "nat-0")];
    // Each call takes 0.3 s, in which 0.3 tokens come back: 10 of burst and 3 of refill.
    for _ in 0..13 {
        assert_eq!(code(&aws.ec2("DeleteNatGateway", &nat).await), "400 NatGatewayNotFound");
    }
    assert_eq!(code(&aws.ec2("DeleteNatGateway", &nat).await), "503 RequestLimitExceeded");
    assert_eq!(code(&aws.ec2("CreateNatGateway", &[]).await), "400 MissingParameter", "each API has its own");
    pass(1.0).await;
    assert_eq!(code(&aws.ec2("DeleteNatGateway", &nat).await), "400 NatGatewayNotFound");
    assert_eq!(aws.log()[13], "DeleteNatGateway throttled RequestLimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn load_balancing_has_one_bucket_for_all_and_one_for_each_group() {
    let aws = client("throttle = { buckets = true }");
    let ask = |action: &'static str| {
        let aws = &aws;
        async move { code(&aws.query("elasticloadbalancing", action, &[]).await) }
    };
    let at_once = |actions: Vec<&'static str>| async move { futures(actions.into_iter().map(ask)).await };
    let refused = |codes: &[String]| codes.iter().filter(|code| *code == "400 Throttling").count();
    let codes = at_once(vec!["CreateLoadBalancer"; 12]).await;
    assert_eq!(refused(&codes), 2, "{codes:?}");
    pass(60.0).await;
    let mixed: Vec<&str> = ["DescribeLoadBalancers", "DescribeRules", "DeleteRule"].into_iter().cycle().take(48).collect();
    let codes = at_once(mixed).await;
    assert_eq!(refused(&codes), 8, "40 for the account: {codes:?}");
}

/// All of them at the same time, in order.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    // They all sleep equally long, so that polling each once starts them at the same moment.
    std::future::poll_fn(|cx| {
        let mut waiting = Vec::new();
        for mut one in std::mem::take(&mut all) {
            match one.as_mut().poll(cx) {
                std::task::Poll::Ready(output) => done.push(output),
                std::task::Poll::Pending => waiting.push(one),
            }
        }
        all = waiting;
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test(start_paused = true)]
async fn in_a_storm_every_service_refuses_in_its_own_words() {
    let aws = client("throttle = { refuse = 1 }");
    assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "503 RequestLimitExceeded");
    assert_eq!(code(&aws.query("iam", "ListRoles", &[]).await), "400 Throttling");
    assert_eq!(code(&aws.query("rds", "DescribeDBInstances", &[]).await), "400 Throttling");
    assert_eq!(code(&aws.json("ecs", "ListClusters", json!({})).await), "400 ThrottlingException");
    assert_eq!(code(&aws.json("tagging", "GetResources", json!({})).await), "400 ThrottledException");
    assert_eq!(code(&aws.bucket("files").await), "503 SlowDown");
    assert_eq!(aws.objects("s3:"), 0);

    let aws = client("seed = 5\nthrottle = { refuse = 0.6 }");
    let mut refused = 0;
    for _ in 0..500 {
        refused += usize::from(code(&aws.ec2("DescribeVpcs", &[]).await) != "200");
    }
    assert!((260..340).contains(&refused), "{refused} of 500");
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_refused_with_the_action_s_name() {
    let aws = client("deny = ['ec2:CreateNatGateway', 'iam:*', 's3:ListBucket', 'ecs:Create*']");
    let answer = aws.ec2("CreateNatGateway", &[]).await;
    assert_eq!(code(&answer), "403 UnauthorizedOperation");
    assert!(text(&answer).contains("not authorized to perform: ec2:CreateNatGateway on resource:"), "{}", text(&answer));
    assert_eq!(code(&aws.query("iam", "ListRoles", &[]).await), "403 AccessDenied");
    let answer = aws.json("ecs", "CreateCluster", json!({ "clusterName": "c" })).await;
    assert_eq!(code(&answer), "400 AccessDeniedException");
    assert!(text(&answer).contains("ecs:CreateCluster"));
    assert_eq!(text(&aws.s3("HEAD", "/files", "").await), "403 ", "S3's permission to look at a bucket has another name");
    assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "200");
    assert_eq!(code(&aws.json("ecs", "ListClusters", json!({})).await), "200");
}

#[tokio::test(start_paused = true)]
async fn a_create_with_tags_needs_the_right_to_tag_and_a_role_the_right_to_pass_it() {
    let aws = client("deny = ['ec2:CreateTags', 'iam:PassRole']");
    let tagged = [
        ("CidrBlock", "10.0.0.0/16"),
        ("TagSpecification.1.ResourceType", "vpc"),
        ("TagSpecification.1.Tag.1.Key", "a"),
        ("TagSpecification.1.Tag.1.Value", "b"),
    ];
    let answer = aws.ec2("CreateVpc", &tagged).await;
    assert!(text(&answer).contains("perform: ec2:CreateTags"), "{}", text(&answer));
    assert_eq!(aws.vpcs(), 0);
    assert_eq!(code(&aws.ec2("CreateVpc", &tagged[..1]).await), "200");
    let definition = json!({ "family": "f", "executionRoleArn": "arn:aws:iam::123456789012:role/r" });
    assert!(text(&aws.json("ecs", "RegisterTaskDefinition", definition).await).contains("perform: iam:PassRole"));
}

#[tokio::test(start_paused = true)]
async fn credentials_end_after_so_many_calls_or_seconds_and_new_ones_are_good_again() {
    let mut aws = client("credentials = { expire-after-calls = 2 }");
    let role = [("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST)];
    assert_eq!(code(&aws.query("iam", "CreateRole", &role).await), "200");
    assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "200");
    assert_eq!(code(&aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await), "400 RequestExpired");
    assert_eq!(code(&aws.query("sts", "GetCallerIdentity", &[]).await), "403 ExpiredToken");
    assert_eq!(code(&aws.json("ecs", "ListClusters", json!({})).await), "400 ExpiredTokenException");
    assert_eq!(code(&aws.bucket("files").await), "400 ExpiredToken");
    assert_eq!((aws.vpcs(), aws.objects("s3:")), (0, 0));
    aws.key = "SOMEBODYELSE";
    assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "200");

    let aws = client("credentials = { expire-after-seconds = 900 }");
    assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "200");
    pass(899.0).await;
    assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "200");
    pass(1.0).await;
    assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "400 RequestExpired");
}
