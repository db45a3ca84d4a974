//! A master password that the stack keeps. RDS never tells it, so a tag on the instance says which version of the secret it was given.

use landing_engine::{CallError, Tags};
use secrecy::{ExposeSecret, SecretString};

use super::Instance;
use crate::Aws;
use crate::secretsmanager::composed;

/// Key of the tag; its value is `ARN@VERSION`, at most 256 characters.
const TAG: &str = "landing:password";

/// The tag that goes with the instance's password.
pub(super) fn mark(instance: &Instance) -> Tags {
    instance.password.iter().map(|version| (TAG.to_owned(), version.get().to_string())).collect()
}

/// The version that RDS was given last.
pub(super) fn marked(tags: &Tags) -> Option<&String> {
    tags.get(TAG)
}

/// # Errors
/// When the secret cannot be read.
pub(super) async fn given(cx: &Aws, instance: &Instance) -> Result<Option<SecretString>, CallError> {
    match &instance.password {
        Some(version) => composed::value(cx, version.get(), Some("password")).await.map(Some),
        None => Ok(None),
    }
}

/// For the SDK, whose own types redact it.
pub(super) fn exposed(password: SecretString) -> String {
    password.expose_secret().to_owned()
}
