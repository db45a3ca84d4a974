//! Single calls that go wrong.

use tokio::time::{Duration, Instant, timeout};

use super::{client, code, pass, text};

const CIDR: (&str, &str) = ("CidrBlock", "10.0.0.0/16");

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_its_effect_and_a_cut_call_none() {
    let aws =
        client("calls = [{ on = 'ec2:CreateVpc', nth = [1], what = 'lost' }, { on = 'ec2:CreateVpc', nth = [2], what = 'cut' }]");
    assert_eq!(text(&aws.ec2("CreateVpc", &[CIDR]).await), "closed");
    assert_eq!(aws.vpcs(), 1);
    assert_eq!(text(&aws.ec2("CreateVpc", &[CIDR]).await), "closed");
    assert_eq!(aws.vpcs(), 1);
    assert_eq!(code(&aws.ec2("CreateVpc", &[CIDR]).await), "200");
    assert_eq!(aws.vpcs(), 2);
    assert_eq!(aws.log(), ["CreateVpc lost", "CreateVpc cut", "CreateVpc"]);
}

#[tokio::test(start_paused = true)]
async fn a_garbled_answer_ends_in_its_middle_after_the_effect() {
    let aws = client("calls = [{ on = 'ec2:Create*', what = 'garbled' }]");
    let answer = text(&aws.ec2("CreateVpc", &[CIDR]).await);
    assert!(answer.starts_with("200 <CreateVpcResponse") && !answer.contains("</CreateVpcResponse>"), "{answer}");
    assert_eq!(aws.vpcs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_acted_on_at_once_and_a_late_one_when_the_client_has_given_up() {
    let patience = Duration::from_secs(10);
    let aws = client("calls = [{ on = 'mutating', what = { slow = 20 } }]");
    assert!(timeout(patience, aws.ec2("CreateVpc", &[CIDR])).await.is_err());
    assert_eq!(aws.vpcs(), 1);

    let aws = client("calls = [{ on = 'mutating', what = { late = 20 } }]");
    assert!(timeout(patience, aws.ec2("CreateVpc", &[CIDR])).await.is_err());
    assert_eq!(aws.vpcs(), 0);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(aws.vpcs(), 1, "nobody waits for it any more, and yet");

    let begin = Instant::now();
    assert_eq!(code(&aws.ec2("CreateVpc", &[CIDR]).await), "200");
    assert_eq!(begin.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_choice_comes_without_or_with_the_effect() {
    let aws = client(
        "[[calls]]
         on = 'ec2:CreateVpc'
         nth = [1]
         what = { error = { status = 503, code = 'Unavailable', message = 'not now' } }
         [[calls]]
         on = 'ec2:CreateVpc'
         nth = [2]
         what = { error = { status = 500, code = 'InternalError', acted = true } }",
    );
    let first = aws.ec2("CreateVpc", &[CIDR]).await;
    assert_eq!((code(&first).as_str(), text(&first).contains("not now"), aws.vpcs()), ("503 Unavailable", true, 0));
    assert_eq!((code(&aws.ec2("CreateVpc", &[CIDR]).await).as_str(), aws.vpcs()), ("500 InternalError", 1));
    assert_eq!(aws.log(), ["CreateVpc error Unavailable", "CreateVpc error InternalError"]);
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_calls_is_hit_and_the_others_are_not() {
    let aws = client("seed = 1\ncalls = [{ on = 'reads', share = 0.2, what = 'cut' }]");
    let mut cut = 0;
    for _ in 0..500 {
        cut += usize::from(aws.ec2("DescribeVpcs", &[]).await.is_err());
    }
    assert!((70..130).contains(&cut), "{cut} of 500");
    for _ in 0..100 {
        assert!(aws.query("iam", "DeleteRole", &[("RoleName", "nobody")]).await.is_ok(), "it is no read");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_that_strikes_decides_and_every_rule_counts_for_itself() {
    let aws = client("calls = [{ on = 'reads', nth = [2], what = 'cut' }, { on = '*', nth = [2, 3], what = 'lost' }]");
    for _ in 0..3 {
        aws.ec2("DescribeVpcs", &[]).await.ok();
    }
    pass(1.0).await;
    assert_eq!(aws.log(), ["DescribeVpcs", "DescribeVpcs cut", "DescribeVpcs lost"]);
}
