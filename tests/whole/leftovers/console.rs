//! Somebody at the console of the same account: clients that know nothing of landing, its door and its pace.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;
use landing_engine::{Graph, NodeName, Stack};
use landing_tests::Site;

pub(super) struct Console {
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) efs: aws_sdk_efs::Client,
    pub(super) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) rds: aws_sdk_rds::Client,
    pub(super) secretsmanager: aws_sdk_secretsmanager::Client,
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) cloudfront: aws_sdk_cloudfront::Client,
    pub(super) ecr: aws_sdk_ecr::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) servicediscovery: aws_sdk_servicediscovery::Client,
}

impl Console {
    pub(super) fn of(site: &Site) -> Self {
        let somebody = Credentials::new("SOMEBODY", "else", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .credentials_provider(SharedCredentialsProvider::new(somebody))
            .http_client(site.sandbox.http_client())
            .build();
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            efs: aws_sdk_efs::Client::new(&config),
            elbv2: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            rds: aws_sdk_rds::Client::new(&config),
            secretsmanager: aws_sdk_secretsmanager::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            cloudfront: aws_sdk_cloudfront::Client::new(&config),
            ecr: aws_sdk_ecr::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            servicediscovery: aws_sdk_servicediscovery::Client::new(&config),
        }
    }

    /// The VPC that every account has, and its first two subnets.
    pub(super) async fn default_network(&self) -> (String, [String; 2]) {
        let vpcs = self.ec2.describe_vpcs().send().await.unwrap();
        let vpc = vpcs.vpcs().iter().find(|vpc| vpc.is_default() == Some(true)).and_then(|vpc| vpc.vpc_id()).unwrap();
        let subnets = self.ec2.describe_subnets().send().await.unwrap();
        let of_vpc = subnets.subnets().iter().filter(|subnet| subnet.default_for_az() == Some(true));
        let mut ids = of_vpc.map(|subnet| subnet.subnet_id().unwrap().to_owned());
        (vpc.to_owned(), [ids.next().unwrap(), ids.next().unwrap()])
    }
}

/// By what the looks can know a planted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// All tags, as on an object of the stack that neither the project nor the state knows.
    Tags,
    /// Tags of the stack that name no node, and a name that says nothing: only the Tagging API lists it as the stack's.
    Index,
    /// The name of an object of the project and no tags.
    Name,
}

/// What is written on a planted object.
pub(super) struct Mark<'a> {
    pub(super) way: Way,
    pub(super) stack: &'a Stack,
    pub(super) project: &'a Graph,
}

impl Mark<'_> {
    pub(super) fn tags(&self, kind: &str) -> BTreeMap<String, String> {
        let mut tags = self.stack.tags(&NodeName::new(kind, "planted"));
        match self.way {
            Way::Tags => {}
            Way::Index => drop(tags.remove("landing:node")),
            Way::Name => tags.clear(),
        }
        tags
    }

    pub(super) fn name(&self, kind: &str) -> String {
        match self.way {
            Way::Tags => format!("{}-planted", self.stack.prefix()),
            Way::Index => "whatever".to_owned(),
            Way::Name => self.drawn(kind),
        }
    }

    /// The name of the first object of the kind that the project has.
    fn drawn(&self, kind: &str) -> String {
        let mut nodes = self.project.iter().filter(|(node, _)| node.kind() == kind);
        let (_, desired) = nodes.next().unwrap_or_else(|| panic!("the project has no {kind}"));
        let names = ["name", "family", "comment"].iter().filter_map(|field| desired.shape[*field].as_str());
        names.into_iter().next().unwrap_or_else(|| panic!("a {kind} has no name")).to_owned()
    }
}

/// An object that was planted, or why there is none to plant.
#[derive(Debug)]
pub(super) enum Plant {
    Stands {
        kind: &'static str,
        /// What AWS's own tools take.
        id: String,
    },
    Never {
        kind: &'static str,
        #[expect(dead_code, reason = "the reason is for the reader of the table")]
        why: &'static str,
    },
}

impl Plant {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Stands { kind, .. } | Self::Never { kind, .. } => kind,
        }
    }
}

pub(super) fn stands(kind: &'static str, id: impl Into<String>) -> Plant {
    Plant::Stands { kind, id: id.into() }
}

pub(super) fn never(kinds: &[&'static str], why: &'static str) -> Vec<Plant> {
    kinds.iter().map(|kind| Plant::Never { kind, why }).collect()
}

/// Tags in the type of one service, nothing when there are none.
macro_rules! tags {
    ($sdk:ident, $mark:expr, $kind:expr) => {{
        let tag = |(key, value)| $sdk::types::Tag::builder().key(key).value(value).build();
        let tags: Vec<_> = $mark.tags($kind).into_iter().map(tag).collect();
        (!tags.is_empty()).then_some(tags)
    }};
    (strict $sdk:ident, $mark:expr, $kind:expr) => {{
        let tag = |(key, value)| $sdk::types::Tag::builder().key(key).value(value).build().unwrap();
        let tags: Vec<_> = $mark.tags($kind).into_iter().map(tag).collect();
        (!tags.is_empty()).then_some(tags)
    }};
}
pub(super) use tags;
