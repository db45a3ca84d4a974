//! Readers that lag.

use serde_json::json;

use super::{Client, TRUST, client, code, pass, text};
use crate::{Faults, Sandbox};

const LAGGING: &str = "seed = 7\nconsistency = { window = 60, fresh = 0.3 }";

#[tokio::test(start_paused = true)]
async fn what_was_just_made_is_seen_now_and_then_and_after_the_window_always() {
    let aws = client(LAGGING);
    pass(100.0).await;
    let vpc = aws.vpc().await;
    let mut early = Vec::new();
    for _ in 0..40 {
        early.push(aws.sees(&vpc).await);
    }
    assert!(early.contains(&true) && early.contains(&false), "{early:?}");
    assert!(early.windows(2).any(|pair| pair == [true, false]), "it flaps: {early:?}");
    pass(48.0).await; // 12 s went by with the calls themselves
    for _ in 0..100 {
        assert!(aws.sees(&vpc).await);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_just_deleted_is_still_seen_now_and_then() {
    let aws = client(LAGGING);
    let vpc = aws.vpc().await;
    pass(100.0).await;
    while !code(&aws.ec2("DeleteVpc", &[("VpcId", &vpc)]).await).starts_with("200") {}
    assert_eq!(aws.vpcs(), 0);
    let mut seen = Vec::new();
    for _ in 0..40 {
        seen.push(aws.sees(&vpc).await);
    }
    assert!(seen.contains(&true) && seen.contains(&false), "{seen:?}");
    pass(48.0).await;
    for _ in 0..100 {
        assert!(!aws.sees(&vpc).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_meets_a_lagging_copy_is_refused_in_its_words_and_has_no_effect() {
    let aws = client(LAGGING);
    pass(100.0).await;
    let vpc = aws.vpc().await;
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24")];
    let (mut refusals, before) = (0, aws.objects("ec2:subnet"));
    loop {
        match code(&aws.ec2("CreateSubnet", &subnet).await).as_str() {
            "200" => break,
            refused => assert_eq!(refused, "400 InvalidVpcID.NotFound"),
        }
        refusals += 1;
        assert_eq!(aws.objects("ec2:subnet"), before);
    }
    assert!(refusals > 0, "the first try with this seed meets a copy that lags");
    assert_eq!(aws.objects("ec2:subnet"), before + 1);
    assert!(aws.log().contains(&"CreateSubnet stale InvalidVpcID.NotFound".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_a_lagging_copy_refuses_for_other_reasons_is_judged_by_the_truth() {
    let aws = client("consistency = { window = 60, fresh = 0 }");
    let vpc = aws.vpc().await;
    pass(100.0).await;
    let subnet = text(&aws.ec2("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", "10.0.1.0/24")]).await);
    let subnet = subnet.split("<subnetId>").nth(1).and_then(|rest| rest.split('<').next()).unwrap().to_owned();
    pass(100.0).await;
    assert_eq!(code(&aws.ec2("DeleteSubnet", &[("SubnetId", &subnet)]).await), "200");
    // Every copy still has the subnet and would answer DependencyViolation.
    assert_eq!(code(&aws.ec2("DeleteVpc", &[("VpcId", &vpc)]).await), "200");
    assert_eq!(code(&aws.ec2("DeleteVpc", &[("VpcId", &vpc)]).await), "400 InvalidVpcID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_new_role_is_no_principal_yet_everywhere() {
    let aws = client("consistency = { window = 60, fresh = 0 }");
    pass(100.0).await;
    let role = |name: &'static str, trust: String| {
        let aws = &aws;
        async move { code(&aws.query("iam", "CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)]).await) }
    };
    assert_eq!(role("first", TRUST.into()).await, "200");
    let second = TRUST.replace(r#""Service":"ecs-tasks.amazonaws.com""#, r#""AWS":"arn:aws:iam::123456789012:role/first""#);
    assert_eq!(role("second", second.clone()).await, "400 MalformedPolicyDocument");
    assert_eq!(aws.objects("iam:role second"), 0);
    pass(60.0).await;
    assert_eq!(role("second", second).await, "200");
}

#[tokio::test(start_paused = true)]
async fn objects_in_a_bucket_and_the_caller_s_name_never_lag() {
    let aws = client("consistency = { window = 60, fresh = 0 }");
    pass(100.0).await;
    assert_eq!(code(&aws.bucket("files").await), "200");
    for turn in 0..20 {
        let body = format!("turn {turn}");
        assert_eq!(code(&aws.s3("PUT", "/files/one", &body).await), "200");
        assert_eq!(text(&aws.s3("GET", "/files/one", "").await), format!("200 {body}"));
        assert_eq!(code(&aws.query("sts", "GetCallerIdentity", &[]).await), "200");
    }
    assert_eq!(code(&aws.s3("GET", "/files?policy", "").await), "404 NoSuchBucket", "its settings do lag");
}

async fn listed(aws: &Client) -> bool {
    let filter = json!({ "TagFilters": [{ "Key": "whose", "Values": ["mine"] }] });
    text(&aws.json("tagging", "GetResources", filter).await).contains(":vpc/vpc-")
}

#[tokio::test(start_paused = true)]
async fn the_tagging_api_is_late_and_lists_what_is_gone() {
    let aws = client("seed = 3\nconsistency = { window = 0, fresh = 1, tagging = 30, ghosts = 600 }");
    pass(100.0).await;
    let vpc = aws.vpc().await;
    for _ in 0..10 {
        assert!(!listed(&aws).await, "nothing is listed within 5 s");
    }
    pass(30.0).await;
    assert!(listed(&aws).await);
    assert_eq!(code(&aws.ec2("DeleteVpc", &[("VpcId", &vpc)]).await), "200");
    pass(40.0).await;
    assert!(listed(&aws).await, "a ghost");
    pass(600.0).await;
    // A call must come by for the copies to be taken anew.
    listed(&aws).await;
    assert!(!listed(&aws).await);
}

#[tokio::test(start_paused = true)]
async fn only_the_services_that_were_named_lag() {
    let aws = client("consistency = { window = 60, fresh = 0, services = ['iam'] }");
    pass(100.0).await;
    let vpc = aws.vpc().await;
    for _ in 0..20 {
        assert!(aws.sees(&vpc).await);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_day_and_another_seed_another() {
    let day = |seed: u64| async move {
        let aws = client(&LAGGING.replace('7', &seed.to_string()));
        pass(100.0).await;
        let vpc = aws.vpc().await;
        let mut seen = Vec::new();
        for _ in 0..50 {
            seen.push(aws.sees(&vpc).await);
        }
        seen
    };
    assert_eq!(day(7).await, day(7).await);
    assert_ne!(day(7).await, day(8).await);
}

#[tokio::test(start_paused = true)]
async fn all_pages_of_a_list_are_of_one_moment() {
    let aws = client(LAGGING);
    pass(100.0).await;
    aws.vpc().await;
    for _ in 0..30 {
        aws.ec2("CreateSubnet", &[]).await.ok();
        let mut token = String::new();
        let mut seen = 0;
        loop {
            let mut fields = vec![("MaxResults", "5")];
            if !token.is_empty() {
                fields.push(("NextToken", &token));
            }
            let page = text(&aws.ec2("DescribeVpcs", &fields).await);
            assert!(page.starts_with("200"), "{page}");
            seen += page.matches("<vpcId>").count();
            match page.split("<nextToken>").nth(1).and_then(|rest| rest.split('<').next()) {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        // Every VPC that this round adds makes the lists longer; each list has as many as there were at some moment, in whole pages but for the last.
        assert!(seen <= aws.vpcs() + 1, "{seen}");
        aws.vpc_quietly().await;
    }
}

impl Client {
    async fn vpc_quietly(&self) {
        self.ec2("CreateVpc", &[("CidrBlock", "10.9.0.0/16")]).await.ok();
    }
}

#[tokio::test(start_paused = true)]
async fn a_fork_forgets_like_the_world_it_came_from() {
    let aws = client("consistency = { window = 60, fresh = 0 }");
    pass(100.0).await;
    let vpc = aws.vpc().await;
    let fork = aws.sandbox.with_world(|world| world.fork());
    let faults = Faults::from_toml("consistency = { window = 60, fresh = 0 }").unwrap();
    let next = Client { sandbox: Sandbox::with_faults(fork.clone(), 1.0, faults), key: "SOMEBODY" };
    assert!(!next.sees(&vpc).await);
    let healthy = Client { sandbox: Sandbox::new(fork, 1.0), key: "SOMEBODY" };
    assert!(healthy.sees(&vpc).await);
}

#[tokio::test(start_paused = true)]
async fn a_good_day_keeps_no_copies() {
    let aws = client("");
    for _ in 0..3 {
        aws.vpc().await;
    }
    aws.sandbox.with_world(|world| assert!(world.past.is_empty()));
}
