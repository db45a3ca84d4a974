//! Stories of bad days, told by a client that speaks the wire itself.

mod calls;
mod consistency;
mod limits;
mod watched;

use serde_json::Value;
use tokio::time::{Duration, advance};

use crate::wire::{Request, Response};
use crate::{Closed, Faults, Sandbox, World};

/// Trusts ECS, which exists in every account.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

struct Client {
    sandbox: Sandbox,
    key: &'static str,
}

fn client(faults: &str) -> Client {
    let faults = Faults::from_toml(faults).unwrap_or_else(|error| panic!("{error}"));
    Client { sandbox: Sandbox::with_faults(World::new("us-west-2"), 1.0, faults), key: "SOMEBODY" }
}

impl Client {
    async fn send(
        &self,
        service: &str,
        method: &str,
        target: &str,
        header: Option<(&str, &str)>,
        body: String,
    ) -> Result<Response, Closed> {
        let region = if service == "iam" { "us-east-1" } else { "us-west-2" };
        let scope = format!("AWS4-HMAC-SHA256 Credential={}/20260101/{region}/{service}/aws4_request, Signature=0", self.key);
        let mut headers = vec![("authorization".to_owned(), scope)];
        headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let request = Request { method: method.into(), target: target.into(), headers, body: body.into_bytes() };
        self.sandbox.answer(request).await
    }

    async fn query(&self, service: &str, action: &str, fields: &[(&str, &str)]) -> Result<Response, Closed> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("Action", action);
        fields.iter().for_each(|(key, value)| _ = body.append_pair(key, value));
        self.send(service, "POST", "/", None, body.finish()).await
    }

    async fn ec2(&self, action: &str, fields: &[(&str, &str)]) -> Result<Response, Closed> {
        self.query("ec2", action, fields).await
    }

    async fn json(&self, service: &str, operation: &str, input: Value) -> Result<Response, Closed> {
        self.send(service, "POST", "/", Some(("x-amz-target", &format!("Service.{operation}"))), input.to_string()).await
    }

    async fn s3(&self, method: &str, target: &str, body: &str) -> Result<Response, Closed> {
        self.send("s3", method, target, None, body.to_owned()).await
    }

    async fn bucket(&self, name: &str) -> Result<Response, Closed> {
        let body = "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>";
        self.s3("PUT", &format!("/{name}"), body).await
    }

    /// A VPC and its id; the sandbox is in a good mood for this call.
    async fn vpc(&self) -> String {
        let fields = [
            ("CidrBlock", "10.0.0.0/16"),
            ("TagSpecification.1.ResourceType", "vpc"),
            ("TagSpecification.1.Tag.1.Key", "whose"),
            ("TagSpecification.1.Tag.1.Value", "mine"),
        ];
        let made = text(&self.ec2("CreateVpc", &fields).await);
        made.split("<vpcId>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    async fn sees(&self, vpc: &str) -> bool {
        let seen = text(&self.ec2("DescribeVpcs", &[("VpcId.1", vpc)]).await);
        assert!(seen.contains("<vpcSet>") || seen.contains("InvalidVpcID.NotFound"), "{seen}");
        seen.contains("<vpcSet>")
    }

    /// How many own VPCs there are in truth.
    fn vpcs(&self) -> usize {
        // One more is the account's default VPC.
        self.objects("ec2:vpc ") - 1
    }

    fn objects(&self, kind: &str) -> usize {
        self.sandbox.with_world(|world| world.objects().iter().filter(|line| line.starts_with(kind)).count())
    }

    /// What the faults did, call by call.
    fn log(&self) -> Vec<String> {
        let line = |record: &crate::Record| {
            let words = [record.fault.as_deref(), record.refused.as_deref()].into_iter().flatten();
            words.fold(record.operation.clone(), |line, word| format!("{line} {word}"))
        };
        self.sandbox.with_world(|world| world.calls.iter().map(line).collect())
    }
}

fn text(answer: &Result<Response, Closed>) -> String {
    match answer {
        Ok(response) => format!("{} {}", response.status, String::from_utf8_lossy(&response.body)),
        Err(Closed) => "closed".to_owned(),
    }
}

/// The status and code of a refusal, the status alone otherwise.
fn code(answer: &Result<Response, Closed>) -> String {
    let text = text(answer);
    let status = text.split(' ').next().unwrap_or_default();
    let xml = text.split("<Code>").nth(1).and_then(|rest| rest.split('<').next());
    let json = text.split(r#""__type":""#).nth(1).and_then(|rest| rest.split('"').next());
    xml.or(json).map_or(status.to_owned(), |code| format!("{status} {code}"))
}

async fn pass(seconds: f64) {
    advance(Duration::from_secs_f64(seconds)).await;
}
