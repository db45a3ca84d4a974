//! The bucket of the state: there, ours, and as safe as S3 makes one. A half-made one is finished by the next run, because every run compares all of it.
//!
//! Source: S3 API Reference, `CreateBucket`, `PutPublicAccessBlock`, …; `aws-behaviours` 11.1, 11.2.

use std::future::Future;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership, ServerSideEncryption, Tagging};
use landing_engine::store::StoreError;
use landing_engine::{CallError, Class, Tags};
use serde_json::{Value, json};

use super::{StateBucket, Tries};
use crate::s3::{configuration, versioned};
use crate::{IntoCallError, document, ownership, tags};

/// Tells people, and `landing` itself, what the bucket is for. It carries no tag of a stack: it belongs to none.
const TAG: (&str, &str) = ("landing:purpose", "state");
const TLS_ONLY: &str = "LandingTlsOnly";

/// What is not as it should be; nothing once the bucket is finished.
#[derive(Debug, Default)]
struct Lacks {
    block: bool,
    ownership: bool,
    encryption: bool,
    versioning: bool,
    /// What the policy must become.
    policy: Option<Value>,
    /// What the tags must become.
    tags: Option<Tags>,
}

impl StateBucket {
    /// Makes the bucket when it is missing and puts right what is not as it should be; says so. One of the user's own is only looked at.
    pub(super) async fn settle(&self) -> Result<Option<String>, StoreError> {
        let operation = "s3:ListBucket";
        let head = self.client().head_bucket().bucket(&self.name).expected_bucket_owner(&self.aws.account);
        let made = match head.send().await.call(operation) {
            Ok(_) => false,
            Err(error) if error.class == Class::NotFound && self.ours => self.create().await?,
            // Another account's bucket is answered like one that may not be looked at; only a create tells them apart.
            Err(error) if error.class == Class::Denied && self.ours => {
                self.create().await?;
                return Err(self.refused(error));
            }
            Err(error) => return Err(self.unfit(error)),
        };
        if !self.ours {
            return Ok(None);
        }
        let lacks = self.look().await?;
        let words = self.put_right(&lacks).await.map_err(|error| self.refused(error))?;
        Ok(match (made, words.is_empty()) {
            (true, _) => Some(format!("made the bucket {} for the states of this account in {}", self.name, self.aws.region)),
            (false, false) => Some(format!("put right the bucket {}: {}", self.name, words.join(", "))),
            (false, true) => None,
        })
    }

    /// What is wrong with a bucket that somebody else is to have made.
    fn unfit(&self, error: CallError) -> StoreError {
        let refused = |message: String, help: &str| StoreError::Refused { message, help: help.to_owned() };
        match error.class {
            Class::NotFound => refused(
                format!("there is no bucket {}", self.name),
                "make it, in the stack's account and region, or let landing make one: state = \"s3\"",
            ),
            Class::Denied => refused(
                format!("the bucket {} is another account's, or may not be used by whoever runs landing", self.name),
                "a state lies in the account that it is about: name a bucket of that account, and allow what docs/permissions.md lists",
            ),
            // A redirect; answers to HEAD carry no body and so no code.
            Class::Invalid if error.code.is_none() => refused(
                format!("the bucket {} cannot be used from {}: it seems to be in another region", self.name, self.aws.region),
                "name one in the stack's region",
            ),
            _ => error.into(),
        }
    }

    /// True when it was made now. When it is there already and ours, that is well: a run before this one, or another at the same time, made it.
    async fn create(&self) -> Result<bool, StoreError> {
        let operation = "s3:CreateBucket";
        // us-east-1 must not be named, every other region must.
        let region = Some(self.aws.region.as_str()).filter(|region| *region != "us-east-1").map(BucketLocationConstraint::from);
        let born = CreateBucketConfiguration::builder().set_location_constraint(region);
        let born = born.set_tags(Some(tags::list(&own_tags()))).build();
        let answer = self
            .again(|| async {
                let call =
                    self.client().create_bucket().bucket(&self.name).object_ownership(ObjectOwnership::BucketOwnerEnforced);
                call.create_bucket_configuration(born.clone()).send().await.call(operation)
            })
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.has_code(&["BucketAlreadyOwnedByYou"]) => Ok(false),
            Err(error) if error.has_code(&["BucketAlreadyExists"]) => Err(StoreError::Refused {
                message: format!("the bucket {} belongs to another AWS account; no state is written there", self.name),
                help: "bucket names are unique in the world, and somebody took this one: make a bucket of your own and name it, \
                       state = { s3 = \"…\" }"
                    .to_owned(),
            }),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// All that the bucket should have, six readings at once.
    async fn look(&self) -> Result<Lacks, StoreError> {
        let (s3, name, owner) = (self.client(), self.name.as_str(), self.aws.account.as_str());
        let (block, ownership, encryption, versioning, policy, tagging) = tokio::join!(
            s3.get_public_access_block().bucket(name).expected_bucket_owner(owner).send(),
            s3.get_bucket_ownership_controls().bucket(name).expected_bucket_owner(owner).send(),
            s3.get_bucket_encryption().bucket(name).expected_bucket_owner(owner).send(),
            s3.get_bucket_versioning().bucket(name).expected_bucket_owner(owner).send(),
            s3.get_bucket_policy().bucket(name).expected_bucket_owner(owner).send(),
            s3.get_bucket_tagging().bucket(name).expected_bucket_owner(owner).send(),
        );
        let refused = |error| self.refused(error);
        let block = ownership::found(block.call("s3:GetBucketPublicAccessBlock")).map_err(refused)?;
        let ownership = ownership::found(ownership.call("s3:GetBucketOwnershipControls")).map_err(refused)?;
        let encryption = ownership::found(encryption.call("s3:GetEncryptionConfiguration")).map_err(refused)?;
        let versioning = versioned(versioning).map_err(refused)?;
        let policy = ownership::found(policy.call("s3:GetBucketPolicy")).map_err(refused)?.and_then(|reply| reply.policy);
        let policy = policy.map(|text| document::parse("s3:GetBucketPolicy", &text)).transpose()?;
        let tagging = ownership::found(tagging.call("s3:GetBucketTagging")).map_err(refused)?;
        let tagging = tagging.map(|reply| tags::read(reply.tag_set())).unwrap_or_default();
        let block = block.and_then(|reply| reply.public_access_block_configuration);
        let blocked = block.as_ref().is_some_and(configuration::is_blocked);
        let controls = ownership.and_then(|reply| reply.ownership_controls);
        let enforced = controls.is_some_and(|controls| {
            controls.rules().iter().any(|rule| *rule.object_ownership() == ObjectOwnership::BucketOwnerEnforced)
        });
        // Any encryption will do: a key of the user's own is more than ours.
        let rules = encryption.and_then(|reply| reply.server_side_encryption_configuration);
        let encrypted =
            rules.is_some_and(|rules| rules.rules().iter().any(|rule| rule.apply_server_side_encryption_by_default().is_some()));
        Ok(Lacks {
            block: !blocked,
            ownership: !enforced,
            encryption: !encrypted,
            versioning: versioning != Some(true),
            policy: with_tls_only(policy, self.tls_only()),
            tags: (tagging.get(TAG.0).map(String::as_str) != Some(TAG.1)).then(|| with_own_tags(tagging)),
        })
    }

    /// One after the other, since S3 refuses parallel changes of one bucket; each overwrites, so that a run that dies here is gone on from. In words.
    async fn put_right(&self, lacks: &Lacks) -> Result<Vec<&'static str>, CallError> {
        let mut words = Vec::new();
        if lacks.block {
            self.put_block().await?;
            words.push("public access blocked");
        }
        if lacks.ownership {
            self.put_ownership().await?;
            words.push("access lists off");
        }
        if lacks.encryption {
            self.put_encryption().await?;
            words.push("encrypted");
        }
        if lacks.versioning {
            self.put_versioning().await?;
            words.push("versions kept");
        }
        if let Some(policy) = &lacks.policy {
            self.put_policy(policy).await?;
            words.push("TLS only");
        }
        if let Some(tags) = &lacks.tags {
            self.put_tags(tags).await?;
            words.push("tagged");
        }
        Ok(words)
    }

    async fn put_block(&self) -> Result<(), CallError> {
        let all = configuration::public_access(true);
        self.again(|| async {
            let call = self.client().put_public_access_block().bucket(&self.name).expected_bucket_owner(&self.aws.account);
            call.public_access_block_configuration(all.clone()).send().await.call("s3:PutBucketPublicAccessBlock")
        })
        .await
        .map(|_| ())
    }

    async fn put_ownership(&self) -> Result<(), CallError> {
        let controls = configuration::owned_by(ObjectOwnership::BucketOwnerEnforced);
        self.again(|| async {
            let call = self.client().put_bucket_ownership_controls().bucket(&self.name).expected_bucket_owner(&self.aws.account);
            call.ownership_controls(controls.clone()).send().await.call("s3:PutBucketOwnershipControls")
        })
        .await
        .map(|_| ())
    }

    async fn put_encryption(&self) -> Result<(), CallError> {
        let rules = configuration::encrypted_by(ServerSideEncryption::Aes256);
        self.again(|| async {
            let call = self.client().put_bucket_encryption().bucket(&self.name).expected_bucket_owner(&self.aws.account);
            call.server_side_encryption_configuration(rules.clone()).send().await.call("s3:PutEncryptionConfiguration")
        })
        .await
        .map(|_| ())
    }

    async fn put_versioning(&self) -> Result<(), CallError> {
        let enabled = configuration::versions(true);
        self.again(|| async {
            let call = self.client().put_bucket_versioning().bucket(&self.name).expected_bucket_owner(&self.aws.account);
            call.versioning_configuration(enabled.clone()).send().await.call("s3:PutBucketVersioning")
        })
        .await
        .map(|_| ())
    }

    async fn put_policy(&self, policy: &Value) -> Result<(), CallError> {
        self.again(|| async {
            let call = self.client().put_bucket_policy().bucket(&self.name).expected_bucket_owner(&self.aws.account);
            call.policy(policy.to_string()).send().await.call("s3:PutBucketPolicy")
        })
        .await
        .map(|_| ())
    }

    async fn put_tags(&self, all: &Tags) -> Result<(), CallError> {
        let tagging = Tagging::builder().set_tag_set(Some(tags::list(all))).build().expect("the tags are set");
        self.again(|| async {
            let call = self.client().put_bucket_tagging().bucket(&self.name).expected_bucket_owner(&self.aws.account);
            call.tagging(tagging.clone()).send().await.call("s3:PutBucketTagging")
        })
        .await
        .map(|_| ())
    }

    /// Sends one call until S3 has settled: a new bucket is not seen everywhere at once, and others may be changing it.
    async fn again<T, F, Fut>(&self, send: F) -> Result<T, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let mut tries = Tries::new(self.clock);
        loop {
            match send().await {
                Ok(value) => return Ok(value),
                Err(error) => tries.wait_after(error).await?,
            }
        }
    }

    fn tls_only(&self) -> Value {
        let arn = format!("arn:{}:s3:::{}", self.aws.partition, self.name);
        json!({
            "Sid": TLS_ONLY,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        })
    }
}

/// What the policy must become, or `None` when it is right. Statements of others stay.
fn with_tls_only(policy: Option<Value>, ours: Value) -> Option<Value> {
    let mut policy = policy.unwrap_or_else(|| json!({ "Version": "2012-10-17", "Statement": [] }));
    let statements = match policy["Statement"].take() {
        Value::Array(statements) => statements,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    if statements.iter().any(|statement| document::same(statement, &ours)) {
        return None;
    }
    let mut kept: Vec<Value> = statements.into_iter().filter(|statement| statement["Sid"] != TLS_ONLY).collect();
    kept.push(ours);
    policy["Statement"] = kept.into();
    Some(policy)
}

fn own_tags() -> Tags {
    Tags::from([(TAG.0.to_owned(), TAG.1.to_owned())])
}

/// A put replaces the whole set, so the tags of others are sent along; AWS's own cannot be sent.
fn with_own_tags(mut tags: Tags) -> Tags {
    tags.retain(|key, _| !key.starts_with("aws:"));
    tags.extend(own_tags());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_keeps_what_others_put_there_and_is_left_alone_when_it_is_right() {
        let ours = json!({ "Sid": TLS_ONLY, "Effect": "Deny" });
        let theirs = json!({ "Sid": "Theirs", "Effect": "Deny" });
        let first = with_tls_only(None, ours.clone()).expect("there was none");
        assert_eq!(first["Statement"], json!([ours]));
        assert_eq!(with_tls_only(Some(first), ours.clone()), None);
        let one = json!({ "Version": "2012-10-17", "Statement": theirs });
        let both = with_tls_only(Some(one), ours.clone()).expect("it lacked ours");
        assert_eq!(both["Statement"], json!([theirs, ours]));
        let weakened = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": TLS_ONLY, "Effect": "Allow" }] });
        assert_eq!(with_tls_only(Some(weakened), ours.clone()).expect("it was changed")["Statement"], json!([ours]));
    }
}
