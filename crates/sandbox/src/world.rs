//! Everything in the account, saved and loaded as JSON.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Millis;
use crate::services;

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub at: Millis,
    /// IAM's name of the service: `elasticloadbalancing`, not `elbv2`.
    pub service: String,
    pub operation: String,
    /// The error code, when it was refused.
    pub refused: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    pub now: Millis,
    pub account: String,
    /// Where the account's regional objects live; one region is modelled.
    pub region: String,
    serial: u64,
    /// Calls answered since the world was made or loaded; not saved.
    #[serde(skip)]
    pub calls: Vec<Record>,
    pub(crate) ec2: services::ec2::Ec2,
    pub(crate) iam: services::iam::Iam,
    pub(crate) elbv2: services::elbv2::Elbv2,
    pub(crate) rds: services::rds::Rds,
    pub(crate) ecs: services::ecs::Ecs,
    pub(crate) ecr: services::ecr::Ecr,
    pub(crate) secrets: services::secretsmanager::Secrets,
    pub(crate) logs: services::logs::Logs,
    pub(crate) servicediscovery: services::servicediscovery::ServiceDiscovery,
    pub(crate) s3: services::s3::S3,
    pub(crate) cloudfront: services::cloudfront::CloudFront,
}

/// 2026-01-01T00:00:00Z: a world starts at the same moment in every run.
const EPOCH: Millis = 1_767_225_600_000;

impl World {
    /// An account as AWS hands it out, in `region`.
    pub fn new(region: &str) -> Self {
        let mut world = Self {
            now: EPOCH,
            account: "123456789012".into(),
            region: region.into(),
            serial: 0,
            calls: Vec::new(),
            ec2: Default::default(),
            iam: Default::default(),
            elbv2: Default::default(),
            rds: Default::default(),
            ecs: Default::default(),
            ecr: Default::default(),
            secrets: Default::default(),
            logs: Default::default(),
            servicediscovery: Default::default(),
            s3: Default::default(),
            cloudfront: Default::default(),
        };
        services::ec2::furnish(&mut world);
        world
    }

    /// # Errors
    /// When the text is not a saved world.
    pub fn load(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub(crate) fn save(&self) -> String {
        serde_json::to_string_pretty(self).expect("the world is plain data with string keys")
    }

    /// The next id, the same in every run: `prefix` and 17 hex digits (`digits` can be changed for other styles).
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", &self.hex()[..17])
    }

    /// 32 hex digits that never come twice.
    pub(crate) fn hex(&mut self) -> String {
        self.serial += 1;
        let digest = Sha256::digest(format!("{}-{}", self.account, self.serial).as_bytes());
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// `arn:aws:<service>:<region>:<account>:<rest>`.
    pub(crate) fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }

    /// Every object that exists (ghosts that AWS merely still lists are not objects), one line each; for "down leaves nothing".
    pub fn objects(&self) -> BTreeSet<String> {
        services::objects(self)
    }

    /// Calls that change something, in order.
    pub fn mutations(&self) -> Vec<&Record> {
        let reads = ["Describe", "Get", "List", "Head", "BatchGet"];
        self.calls.iter().filter(|call| !reads.iter().any(|prefix| call.operation.starts_with(prefix))).collect()
    }
}
