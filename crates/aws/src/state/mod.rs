//! A state in S3: objects with conditional writes, in a bucket that `landing` makes itself or in one of the user's own.
//!
//! The bucket belongs to an account and a region, not to a stack: it has no node, is in no plan, and `down` leaves it. Its calls do not come through the
//! door, because what the door writes down goes here; each may be sent again, since a write names its condition and carries a mark of its own.
//! Every call says whose the bucket must be, so that a name that somebody else took is refused by S3 and never written to.
//!
//! Source: S3 User Guide, "Conditional requests", "Verifying bucket ownership with bucket owner condition"; `aws-behaviours` 11.1, 11.4.

mod bucket;
mod date;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use landing_engine::store::{Later, Object, Objects, Put, Seen, StoreError, When};
use landing_engine::{CallError, Class, Clock};

use crate::{Aws, IntoCallError};
use date::Told;

const FENCE: &str = "landing-fence";
const WRITE: &str = "landing-write";

/// For how long a write is tried again that met another one in flight, or a bucket that was made a moment ago. Source: `aws-behaviours` 11.1, 11.4.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

pub struct StateBucket {
    aws: Arc<Aws>,
    name: String,
    /// Whether `landing` chose the name: then it makes the bucket and keeps its settings. Another's is taken as it is.
    ours: bool,
    clock: Clock,
}

/// The name of the bucket that `landing` makes for the states of an account in a region.
pub fn bucket_of_landing(account: &str, region: &str) -> String {
    format!("landing-state-{account}-{region}")
}

impl StateBucket {
    /// One for all stacks of an account in a region.
    pub fn of_landing(aws: Arc<Aws>, clock: Clock) -> Self {
        let name = bucket_of_landing(&aws.account, &aws.region);
        Self { aws, name, ours: true, clock }
    }

    /// One that is there already.
    pub fn named(aws: Arc<Aws>, name: &str, clock: Clock) -> Self {
        Self { aws, name: name.to_owned(), ours: false, clock }
    }

    fn client(&self) -> &aws_sdk_s3::Client {
        &self.aws.s3_for_state
    }

    async fn read(&self, key: &str) -> Result<Seen, StoreError> {
        let operation = "s3:GetObject";
        let told = Told::default();
        let call = self.client().get_object().bucket(&self.name).key(key).expected_bucket_owner(&self.aws.account);
        let reply = match call.customize().interceptor(told.clone()).send().await.call(operation) {
            // The first look happens before there is a bucket.
            Err(error) if error.has_code(&["NoSuchKey", "NoSuchBucket"]) => {
                return Ok(Seen { object: None, now: told.time(operation)? });
            }
            reply => reply.map_err(|error| self.refused(error))?,
        };
        let now = told.time(operation)?;
        let meta = |name: &str| reply.metadata().and_then(|all| all.get(name)).cloned();
        // One that was put there by hand has neither.
        let fence = meta(FENCE).and_then(|text| text.parse().ok()).unwrap_or(0);
        let write = meta(WRITE).unwrap_or_default();
        let (etag, length) = (reply.e_tag().unwrap_or_default().to_owned(), reply.content_length());
        let written = reply.last_modified().and_then(|time| u64::try_from(time.secs()).ok());
        let broken = |why: String| CallError::new(Class::Ambiguous, operation, why);
        let bytes = reply.body.collect().await.map_err(|error| broken(error.to_string()))?.to_vec();
        if length.is_some_and(|length| u64::try_from(length).ok() != Some(bytes.len() as u64)) {
            return Err(broken("the answer ended early".to_owned()).into());
        }
        let written = written.ok_or_else(|| broken("the answer does not say when the object was written".to_owned()))?;
        Ok(Seen { object: Some(Object { bytes, etag, written, fence, write }), now })
    }

    async fn write(&self, key: &str, bytes: Vec<u8>, fence: u64, write: &str, when: When) -> Result<Put, StoreError> {
        let operation = "s3:PutObject";
        let (absent, is) = match when {
            When::Absent => (Some("*".to_owned()), None),
            When::Is(etag) => (None, Some(etag)),
        };
        let replaces = is.is_some();
        let mut tries = Tries::new(self.clock);
        loop {
            let call = self
                .client()
                .put_object()
                .bucket(&self.name)
                .key(key)
                .expected_bucket_owner(&self.aws.account)
                .content_type("application/json")
                .metadata(FENCE, fence.to_string())
                .metadata(WRITE, write)
                .set_if_none_match(absent.clone())
                .set_if_match(is.clone())
                .body(ByteStream::from(bytes.clone()));
            match call.send().await.call(operation) {
                Ok(reply) => return Ok(Put::Done { etag: reply.e_tag.unwrap_or_default() }),
                Err(error) if error.has_code(&["PreconditionFailed"]) => return Ok(Put::Refused),
                // What was to be replaced is gone.
                Err(error) if replaces && error.has_code(&["NoSuchKey"]) => return Ok(Put::Refused),
                Err(error) => tries.wait_after(error).await.map_err(|error| self.refused(error))?,
            }
        }
    }

    fn refused(&self, error: CallError) -> StoreError {
        if error.class != Class::Denied {
            return error.into();
        }
        let help = format!(
            "allow {} on the bucket {} to whoever runs landing (docs/permissions.md), unless the bucket is another account's",
            error.operation, self.name
        );
        error.help(help).into()
    }
}

impl Objects for StateBucket {
    fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    fn prepare(&self) -> Later<'_, Option<String>> {
        Box::pin(self.settle())
    }

    fn get<'a>(&'a self, key: &'a str) -> Later<'a, Seen> {
        Box::pin(self.read(key))
    }

    fn put<'a>(&'a self, key: &'a str, bytes: Vec<u8>, fence: u64, write: &'a str, when: When) -> Later<'a, Put> {
        Box::pin(self.write(key, bytes, fence, write, when))
    }
}

/// The attempts of one call that S3 refuses for a moment.
struct Tries {
    clock: Clock,
    started: Duration,
    wait: Duration,
}

impl Tries {
    fn new(clock: Clock) -> Self {
        Self { clock, started: clock.elapsed(), wait: FIRST_WAIT }
    }

    /// # Errors
    /// `error` itself when it does not pass, or has not for too long.
    async fn wait_after(&mut self, error: CallError) -> Result<(), CallError> {
        let passes = error.has_code(&["ConditionalRequestConflict", "OperationAborted", "NoSuchBucket"]);
        if !passes || self.clock.elapsed().saturating_sub(self.started) + self.wait > SETTLED_WITHIN {
            return Err(error);
        }
        self.clock.sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Ok(())
    }
}
