//! Where a secret's value comes from, and whether AWS holds it.
//!
//! A value lives in a `SecretString` from where it is read or made until it is handed to the SDK, whose own types redact it. It is compared in
//! memory; no hash of it is kept anywhere, since a hash of a short secret can be guessed.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use landing_engine::{CallError, Class};
use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::composed::{self, Part};
use crate::{Aws, IntoCallError};

/// The desired source, or what can be said of a live value without ever showing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// The environment variable that holds it where `landing` runs.
    Env(String),
    /// Made once, never again: whoever was given the first one keeps using it. With `username` the value is JSON of both, as RDS has it.
    Generated {
        length: u32,
        username: Option<String>,
    },
    Composed(Vec<Part>),
    /// Only live: what it was put together from, with versions in place of values.
    ComposedOf(String),
    /// Only live: the secret has no current version.
    Missing,
    /// Only live: AWS holds another value than the one at hand, or one that the stack does not ask for.
    Different,
    /// Only live, and never read: somebody wants another one in its place.
    Outdated,
}

impl SecretSource {
    /// A value to store: the one at hand, or a fresh one.
    ///
    /// # Errors
    /// `Invalid` when the variable is not set, with what to do.
    pub(super) fn stored(&self, cx: &Aws, name: &str, operation: &str) -> Result<Stored<'_>, CallError> {
        let invalid = |message: String| CallError::new(Class::Invalid, operation, message);
        match self {
            Self::Env(variable) => {
                let value = cx.secrets.get(variable).cloned();
                value.map(Stored::AtHand).ok_or_else(|| invalid(missing(name, variable)))
            }
            Self::Generated { length, username } => {
                // Letters and digits only: they survive URLs, shells and what RDS allows in a password. The generator is a CSPRNG.
                let length = usize::try_from(*length).unwrap_or(usize::MAX);
                let password = Alphanumeric.sample_string(&mut rand::rng(), length);
                Ok(Stored::AtHand(SecretString::from(match username {
                    Some(username) => serde_json::json!({ "username": username, "password": password }).to_string(),
                    None => password,
                })))
            }
            Self::Composed(parts) => Ok(Stored::Composed(parts)),
            Self::ComposedOf(_) | Self::Missing | Self::Different | Self::Outdated => {
                Err(invalid(format!("secret `{name}` has no source for its value")))
            }
        }
    }
}

/// A value on its way to Secrets Manager.
pub(super) enum Stored<'a> {
    AtHand(SecretString),
    /// Read for every attempt: what it is made of may be too young to be seen.
    Composed(&'a [Part]),
}

impl Stored<'_> {
    pub(super) async fn get(&self, cx: &Aws) -> Result<SecretString, CallError> {
        match self {
            Self::AtHand(value) => Ok(value.clone()),
            Self::Composed(parts) => composed::compose(cx, parts).await,
        }
    }
}

pub(super) fn missing(name: &str, variable: &str) -> String {
    format!(
        "secret `{name}` takes its value from the environment variable {variable}, which is not set; \
         set {variable} and run again, or give the secret another source in landing.toml"
    )
}

/// What the live value is in terms of the wanted source, before values at hand are compared. `live` is what the reading alone could say.
pub(super) fn believed(wanted: Option<&SecretSource>, live: SecretSource) -> SecretSource {
    match (wanted, live) {
        (_, SecretSource::Missing) => SecretSource::Missing,
        (Some(SecretSource::Composed(_)), live) => live,
        // It had a template until now: neither given nor generated.
        (Some(_), SecretSource::ComposedOf(_)) => SecretSource::Outdated,
        (Some(wanted), _) => wanted.clone(),
        (None, _) => SecretSource::Different,
    }
}

/// How a stored value relates to the one at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Same,
    Different,
    /// Secrets Manager does not give it out although it was listed: gone, on its way out, or without a version.
    Unreadable,
}

/// At most so many secrets a call. Source: `aws-behaviours` 6.
const BATCH: usize = 20;

/// Compares the values at hand with the stored ones: ARN to variable.
///
/// # Errors
/// When values may not be read: a refusal is not a difference.
pub(super) async fn compare(cx: &Aws, at_hand: &BTreeMap<String, String>) -> Result<BTreeMap<String, Held>, CallError> {
    let arns: Vec<&String> = at_hand.keys().collect();
    let batches = try_join_all(arns.chunks(BATCH).map(|batch| compare_batch(cx, at_hand, batch))).await?;
    Ok(batches.into_iter().flatten().collect())
}

async fn compare_batch(
    cx: &Aws,
    at_hand: &BTreeMap<String, String>,
    batch: &[&String],
) -> Result<Vec<(String, Held)>, CallError> {
    let operation = "secretsmanager:BatchGetSecretValue";
    let ids = batch.iter().map(|arn| (*arn).clone()).collect();
    let mut pages = cx.secretsmanager.batch_get_secret_value().set_secret_id_list(Some(ids)).into_paginator().send();
    let mut held = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.call(operation)?;
        for stored in page.secret_values() {
            let Some(variable) = stored.arn().and_then(|arn| at_hand.get(arn)) else { continue };
            let value = cx.secrets.given(variable).map(ExposeSecret::expose_secret);
            let same = value.is_some() && value == stored.secret_string();
            held.push((stored.arn().unwrap_or_default().to_owned(), if same { Held::Same } else { Held::Different }));
        }
        for error in page.errors() {
            let id = error.secret_id().unwrap_or_default().to_owned();
            let code = error.error_code().unwrap_or_default();
            let class = match code {
                "ResourceNotFoundException" | "InvalidRequestException" => {
                    held.push((id, Held::Unreadable));
                    continue;
                }
                "AccessDeniedException" | "AccessDenied" => Class::Denied,
                _ => Class::Invalid,
            };
            let message = format!("{id}: {}", error.message().unwrap_or("AWS gave no message"));
            return Err(CallError { code: Some(code.to_owned()), ..CallError::new(class, operation, message) });
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_together_is_no_value_for_another_source() {
        let (text, generated) = (SecretSource::ComposedOf("a".into()), SecretSource::Generated { length: 32, username: None });
        assert_eq!(believed(Some(&generated), text.clone()), SecretSource::Outdated);
        assert_eq!(believed(Some(&SecretSource::Composed(Vec::new())), text.clone()), text);
        assert_eq!(believed(Some(&SecretSource::Composed(Vec::new())), SecretSource::Different), SecretSource::Different);
        assert_eq!(believed(Some(&generated), SecretSource::Different), generated);
        assert_eq!(believed(Some(&generated), SecretSource::Missing), SecretSource::Missing);
    }

    #[test]
    fn a_source_is_plain_words_in_json() {
        let json = |source: SecretSource| serde_json::to_string(&source).unwrap();
        assert_eq!(json(SecretSource::Env("TOKEN".into())), r#"{"env":"TOKEN"}"#);
        assert_eq!(json(SecretSource::Generated { length: 9, username: None }), r#"{"generated":{"length":9,"username":null}}"#);
        assert_eq!(json(SecretSource::Missing), r#""missing""#);
    }
}
