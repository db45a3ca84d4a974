//! One connection to AWS: the clients of all services, the account, and what a scan shares.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_sdk_ec2::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use landing_engine::{CallError, Class};

use crate::calls::{CallCounts, Watch};
use crate::ecr::{Bench, StandingImages};
use crate::ecs::{Runs, Wards};
use crate::efs::Young;
use crate::errors::IntoCallError;
use crate::far_end::FarEnd;
use crate::memo::Memo;
use crate::removals::Removals;
use crate::secrets::SecretValues;
use crate::smoke::Visitor;
use crate::time::Dated;
use crate::transport::{self, Judge, Turns};

/// How to reach AWS; everything that is not given is found as every AWS tool finds it (environment, profile, container, instance).
#[derive(Debug, Default)]
pub struct Connection {
    pub region: Option<String>,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// An AWS in the process: its HTTP hook and made-up credentials are used and nothing else.
    pub in_process: Option<InProcess>,
    /// AWS seconds that pass in one on the wall, when that AWS plays faster; 1 when nobody says so.
    pub time_scale: Option<f64>,
}

/// An AWS in the process.
#[derive(Clone, Debug)]
pub struct InProcess {
    /// For the SDK: its API.
    pub api: SharedHttpClient,
    /// Answers at the public addresses of what was built in it.
    pub public: SharedHttpConnector,
}

/// Clients, account and region; what every kind's calls are given.
pub struct Aws {
    pub account: String,
    pub region: String,
    pub partition: String,
    pub ec2: aws_sdk_ec2::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub efs: aws_sdk_efs::Client,
    pub elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub rds: aws_sdk_rds::Client,
    pub secretsmanager: aws_sdk_secretsmanager::Client,
    pub s3: aws_sdk_s3::Client,
    /// For the bucket of the state alone: not through the door.
    pub(crate) s3_for_state: aws_sdk_s3::Client,
    pub cloudfront: aws_sdk_cloudfront::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub iam: aws_sdk_iam::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub servicediscovery: aws_sdk_servicediscovery::Client,
    pub(crate) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(crate) global_tagging: aws_sdk_resourcegroupstagging::Client,
    pub(crate) memo: Memo,
    pub(crate) removals: Removals,
    /// The tasks of jobs that are waited for.
    pub(crate) runs: Runs,
    /// What is looked at more closely while it is waited for.
    pub(crate) wards: Wards,
    /// Mount targets whose names are not known everywhere yet.
    pub(crate) young: Young,
    pub(crate) secrets: SecretValues,
    pub(crate) standing: StandingImages,
    pub(crate) bench: OnceLock<Bench>,
    pub(crate) site_folder: OnceLock<PathBuf>,
    /// What answers.
    pub far_end: FarEnd,
    /// Who looks at what was built, from outside.
    pub(crate) visitor: Visitor,
    watch: Watch,
    dated: Dated,
}

/// Attempts of one reading; they end earlier by their time, or when the service is found to be down. In a storm of throttles most of them are refused, and a
/// scan is hundreds of readings: the default of 3 is too few, and so is the SDK's own budget for repetitions. Source: `aws-behaviours` 1.2.
const ATTEMPTS: u32 = 150;
/// The pauses between them, in AWS's time: an AWS that plays faster also forgives faster.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An answer must begin within a minute of its request (`transport.rs`); these end what waits for its turn, or for the rest of an answer, for ever.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
const READING_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// A sign of life that hangs must leave time for others before the lease is over.
const STATE_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const STATE_TIMEOUT: Duration = Duration::from_secs(30);

impl Aws {
    /// Finds region and credentials and asks STS who we are, so that a wrong key fails before anything else happens.
    ///
    /// # Errors
    /// `Credentials` when there are none or they are refused; `Invalid` without a region.
    pub async fn connect(connection: Connection, secrets: SecretValues) -> Result<Self, CallError> {
        let scale = connection.time_scale.unwrap_or(1.0);
        let public = connection.in_process.as_ref().map(|aws| aws.public.clone());
        let turns = Turns::new(scale);
        let config = configure(connection, turns.clone(), scale).await;
        let watch = Watch::of(config.endpoint_url());
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            CallError::new(Class::Invalid, "sts:GetCallerIdentity", "no AWS region is set")
                .help("set `region` in landing.toml, pass --region, or set AWS_REGION")
        })?;
        macro_rules! settings {
            ($service:ident, $name:literal, $config:expr) => {
                settings!($service, $name, $config, watch.clone())
            };
            ($service:ident, $name:literal, $config:expr, $watch:expr) => {
                $service::config::Builder::from($config)
                    .interceptor($watch)
                    .retry_classifier(Judge { turns: turns.clone(), service: $name })
                    .retry_partition(RetryPartition::custom($name).token_bucket(TokenBucket::unlimited()).build())
            };
        }
        let sts = aws_sdk_sts::Client::from_conf(settings!(aws_sdk_sts, "STS", &config).build());
        let dated = Dated::new(scale);
        let identity = sts.get_caller_identity().customize().interceptor(dated.clone()).send().await;
        let identity = identity.call("sts:GetCallerIdentity")?;
        let partition = identity.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws").to_owned();
        let us_east_1 = config.to_builder().region(Region::new("us-east-1")).build();
        macro_rules! client {
            ($service:ident, $name:literal) => {
                client!($service, $name, &config)
            };
            ($service:ident, $name:literal, $config:expr) => {
                $service::Client::from_conf(settings!($service, $name, $config).build())
            };
        }
        let far_end = if public.is_some() { FarEnd::Sandbox } else { watch.far_end() };
        Ok(Self {
            account: identity.account().unwrap_or_default().to_owned(),
            region,
            partition,
            ec2: client!(aws_sdk_ec2, "EC2"),
            ecs: client!(aws_sdk_ecs, "ECS"),
            efs: client!(aws_sdk_efs, "EFS"),
            elbv2: client!(aws_sdk_elasticloadbalancingv2, "Elastic Load Balancing v2"),
            rds: client!(aws_sdk_rds, "RDS"),
            secretsmanager: client!(aws_sdk_secretsmanager, "Secrets Manager"),
            // Buckets in the path when an endpoint is given: emulators have no host names for buckets.
            s3: aws_sdk_s3::Client::from_conf(
                settings!(aws_sdk_s3, "S3", &config).force_path_style(config.endpoint_url().is_some()).build(),
            ),
            s3_for_state: aws_sdk_s3::Client::from_conf(
                settings!(aws_sdk_s3, "S3 for the state", &config, watch.beside_the_door())
                    .force_path_style(config.endpoint_url().is_some())
                    .timeout_config(state_timeouts())
                    .build(),
            ),
            cloudfront: client!(aws_sdk_cloudfront, "CloudFront"),
            ecr: client!(aws_sdk_ecr, "ECR"),
            iam: client!(aws_sdk_iam, "IAM"),
            logs: client!(aws_sdk_cloudwatchlogs, "CloudWatch Logs"),
            servicediscovery: client!(aws_sdk_servicediscovery, "ServiceDiscovery"),
            tagging: client!(aws_sdk_resourcegroupstagging, "Resource Groups Tagging API"),
            global_tagging: client!(aws_sdk_resourcegroupstagging, "Resource Groups Tagging API", &us_east_1),
            memo: Memo::default(),
            removals: Removals::default(),
            runs: Runs::default(),
            wards: Wards::default(),
            young: Young::new(scale),
            secrets,
            standing: StandingImages::default(),
            bench: OnceLock::new(),
            site_folder: OnceLock::new(),
            visitor: match public {
                Some(public) => Visitor::in_process(public),
                None => {
                    Visitor::over_the_wire(transport::to_anywhere(), config.endpoint_url().filter(|_| far_end == FarEnd::Sandbox))
                }
            },
            far_end,
            watch,
            dated,
        })
    }

    /// `arn:<partition>:<service>:<region>:<account>:<rest>`.
    pub fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{rest}", self.partition, self.region, self.account)
    }

    /// What images are made with from now on. Given once; without it none can be made.
    pub fn equip(&self, bench: Bench) {
        // Whoever gave the first one knew better: the plan was made with it.
        let _ = self.bench.set(bench);
    }

    /// AWS's time in milliseconds since 1970, by its own clock and not by this machine's; to the second. `None` when its answers are not dated.
    pub fn now(&self) -> Option<i64> {
        self.dated.now()
    }

    /// Requests sent so far.
    pub fn call_counts(&self) -> CallCounts {
        self.watch.counts()
    }
}

fn state_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(STATE_ATTEMPT_TIMEOUT)
        .operation_timeout(STATE_TIMEOUT)
        .build()
}

async fn configure(connection: Connection, turns: Turns, scale: f64) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(READING_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF.div_f64(scale))
        .with_max_backoff(LONGEST_BACKOFF.div_f64(scale));
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).retry_config(retries).timeout_config(timeouts);
    if let Some(region) = connection.region {
        loader = loader.region(Region::new(region));
    }
    if let Some(profile) = connection.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = connection.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(aws) = connection.in_process {
        let http = transport::in_turn(aws.api, turns);
        loader = loader.http_client(http).credentials_provider(Credentials::new("SANDBOX", "sandbox", None, None, "sandbox"));
    } else {
        loader = loader.http_client(transport::over_the_wire(turns));
    }
    loader.load().await
}
