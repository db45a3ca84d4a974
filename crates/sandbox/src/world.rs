//! Everything in the account, saved and loaded as JSON.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Millis;
use crate::faults::{Faults, Past};
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
    /// What the sandbox's faults did to it: `throttled`, `denied`, `expired`, `stale` (answered or refused by a lagging copy), `lost`, `cut`, `garbled`,
    /// `slow`, `late`, `error`.
    #[serde(default)]
    pub fault: Option<String>,
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
    /// What goes wrong in this world; of the sandbox that it lives in, so not saved either.
    #[serde(skip)]
    pub(crate) faults: Arc<Faults>,
    /// What lagging readers still see.
    #[serde(skip)]
    pub(crate) past: Past,
    /// Where images can be pushed as long as this process lives, as a client writes it: `http://127.0.0.1:5000`.
    #[serde(skip)]
    pub(crate) registry: Option<String>,
    pub(crate) ec2: services::ec2::Ec2,
    pub(crate) iam: services::iam::Iam,
    pub(crate) elbv2: services::elbv2::Elbv2,
    pub(crate) rds: services::rds::Rds,
    pub(crate) ecs: services::ecs::Ecs,
    pub(crate) ecr: services::ecr::Ecr,
    #[serde(default)]
    pub(crate) efs: services::efs::Efs,
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
            faults: Arc::default(),
            past: Past::default(),
            registry: None,
            ec2: Default::default(),
            iam: Default::default(),
            elbv2: Default::default(),
            rds: Default::default(),
            ecs: Default::default(),
            ecr: Default::default(),
            efs: Default::default(),
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

    /// Every value that Secrets Manager holds, and every password that a database was given, with what it is: for whoever looks for leaks.
    pub fn secret_values(&self) -> Vec<(String, String)> {
        let secrets = self.secrets.secrets.values().flat_map(|secret| {
            let values = secret.versions.values().filter_map(|version| version.string.clone().or(version.binary.clone()));
            values.map(|value| (secret.name.clone(), value))
        });
        let passwords =
            self.rds.instances.values().filter_map(|it| Some((format!("{}'s password", it.id), it.password.clone()?)));
        secrets.chain(passwords).collect()
    }

    /// Lets another account have a bucket of that name, which lets everybody in.
    pub fn take_bucket_name(&mut self, name: &str) {
        services::s3::elsewhere(self, name);
    }

    /// Calls that change something, in order.
    pub fn mutations(&self) -> Vec<&Record> {
        self.calls.iter().filter(|call| !services::is_read(&call.operation)).collect()
    }

    /// The same account as it is now, for going on from here more than once, with what lagging readers have not seen yet. The call log is not taken along.
    pub fn fork(&self) -> Self {
        let Self {
            now,
            account,
            region,
            serial,
            calls: _,
            faults,
            past,
            registry,
            ec2,
            iam,
            elbv2,
            rds,
            ecs,
            ecr,
            efs,
            secrets,
            logs,
            servicediscovery,
            s3,
            cloudfront,
        } = self;
        Self {
            now: *now,
            account: account.clone(),
            region: region.clone(),
            serial: *serial,
            calls: Vec::new(),
            faults: faults.clone(),
            past: past.clone(),
            registry: registry.clone(),
            ec2: ec2.clone(),
            iam: iam.clone(),
            elbv2: elbv2.clone(),
            rds: rds.clone(),
            ecs: ecs.clone(),
            ecr: ecr.clone(),
            efs: efs.clone(),
            secrets: secrets.clone(),
            logs: logs.clone(),
            servicediscovery: servicediscovery.clone(),
            s3: s3.clone(),
            cloudfront: cloudfront.clone(),
        }
    }

    /// A hash of everything in the account. Clock, counters and call log are no part of it, so two forks with the same essence differ in nothing that a client
    /// could find out, but for times.
    pub fn essence(&self) -> String {
        let Self {
            now: _,
            account,
            region,
            serial: _,
            calls: _,
            faults: _,
            past: _,
            registry: _,
            ec2,
            iam,
            elbv2,
            rds,
            ecs,
            ecr,
            efs,
            secrets,
            logs,
            servicediscovery,
            s3,
            cloudfront,
        } = self;
        let regional = (ec2, elbv2, rds, ecs, ecr, efs, secrets, logs, servicediscovery);
        let mut digest = Digesting(Sha256::new());
        serde_json::to_writer(&mut digest, &(account, region, regional, iam, s3, cloudfront))
            .expect("the world is plain data with string keys, and a digest takes every byte");
        digest.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Digesting(Sha256);

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
