//! Values that are put together from other secrets: a database's URL with the password in it.
//!
//! What a value was made from is kept beside it, in the secret's description, with versions in place of values: so a scan sees that it is out of date without
//! reading anything secret.

use landing_engine::{CallError, Class, Ref};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Aws, IntoCallError, SecretVersion};

/// How the description of such a secret begins; the formula follows. At most 2,048 characters in all. Source: Secrets Manager API Reference, `CreateSecret`.
pub const DESCRIPTION: &str = "Put together by landing";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Text(Ref<String>),
    /// `key` picks a field of a value that is JSON.
    Secret {
        version: Ref<SecretVersion>,
        key: Option<String>,
    },
}

/// The parts with the names of versions where their values belong.
pub(super) fn formula(parts: &[Part]) -> String {
    let shown = |part: &Part| match part {
        Part::Text(text) => text.get().clone(),
        Part::Secret { version, key: Some(key) } => format!("${{{}:{key}}}", version.get()),
        Part::Secret { version, key: None } => format!("${{{}}}", version.get()),
    };
    parts.iter().map(shown).collect()
}

pub(super) fn description(formula: &str) -> String {
    format!("{DESCRIPTION}: {formula}")
}

/// The formula in a description.
pub(super) fn read_back(description: &str) -> Option<&str> {
    description.strip_prefix(DESCRIPTION)?.strip_prefix(": ")
}

/// Whether a value that was made from `live`, a formula, is what the `desired` parts give. Parts that are not known yet are not the same.
pub(super) fn same(desired: &Value, live: &Value) -> bool {
    let known = landing_engine::reference::pointers(desired).is_empty();
    let parts: Option<Vec<Part>> = known.then(|| serde_json::from_value(desired.clone()).ok()).flatten();
    parts.is_some_and(|parts| live.as_str() == Some(&formula(&parts)))
}

/// # Errors
/// When a value may not be read, or has not got the key.
pub(super) async fn compose(cx: &Aws, parts: &[Part]) -> Result<SecretString, CallError> {
    let mut whole = String::new();
    for part in parts {
        match part {
            Part::Text(text) => whole.push_str(text.get()),
            Part::Secret { version, key } => whole.push_str(value(cx, version.get(), key.as_deref()).await?.expose_secret()),
        }
    }
    Ok(whole.into())
}

/// The value of that version, or one field of it.
///
/// # Errors
/// `NotFound` while it is too young to be seen, `Invalid` without the field.
pub(crate) async fn value(cx: &Aws, version: &SecretVersion, key: Option<&str>) -> Result<SecretString, CallError> {
    let operation = "secretsmanager:GetSecretValue";
    let (arn, id) = version.as_str().rsplit_once('@').unwrap_or((version.as_str(), ""));
    let reply = cx.secretsmanager.get_secret_value().secret_id(arn).version_id(id).send().await.call(operation)?;
    let text = SecretString::from(reply.secret_string.unwrap_or_default());
    let Some(key) = key else { return Ok(text) };
    let json: Option<Value> = serde_json::from_str(text.expose_secret()).ok();
    let field = json.as_ref().and_then(|json| json.get(key)).and_then(Value::as_str);
    field.map(SecretString::from).ok_or_else(|| {
        CallError::new(Class::Invalid, operation, format!("{arn} has no text under `{key}`"))
            .help("store it as a JSON object with that key, or leave the key out in landing.toml")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(version: &str) -> Vec<Part> {
        let secret = Part::Secret { version: Ref::value(version.into()), key: Some("password".into()) };
        vec![Part::Text("postgresql://app:".into()), secret, Part::Text("@db/app".into())]
    }

    #[test]
    fn a_description_says_what_a_value_was_made_from_and_not_the_value() {
        let stored = description(&formula(&parts("arn:secret@1")));
        assert_eq!(stored, "Put together by landing: postgresql://app:${arn:secret@1:password}@db/app");
        let live = json!(read_back(&stored));
        assert!(same(&json!(parts("arn:secret@1")), &live) && !same(&json!(parts("arn:secret@2")), &live));
        assert_eq!(read_back("Given by TOKEN"), None);
    }
}
