//! Secret values on their way from the user's environment, or the generator, to Secrets Manager and nowhere else.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// Values that `from = "env:NAME"` secrets take, read once at start. They cannot be printed:
///
/// ```compile_fail,E0277
/// fn shown(values: landing_aws::SecretValues) -> String {
///     format!("{values:?}")
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn shown(values: landing_aws::SecretValues) -> String {
///     format!("{values}")
/// }
/// ```
///
/// nor serialised:
///
/// ```compile_fail,E0277
/// fn saved(values: landing_aws::SecretValues) -> serde_json::Result<String> {
///     serde_json::to_string(&values)
/// }
/// ```
///
/// nor copied, so that there is one place where they are:
///
/// ```compile_fail,E0599
/// fn twice(values: landing_aws::SecretValues) -> [landing_aws::SecretValues; 2] {
///     [values.clone(), values]
/// }
/// ```
///
/// The single value inside, the `secrecy` crate's `SecretString`, prints as `[REDACTED]` and is neither text nor JSON:
///
/// ```compile_fail,E0277
/// fn shown(value: secrecy::SecretString) -> String {
///     format!("{value}")
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn saved(value: secrecy::SecretString) -> serde_json::Result<String> {
///     serde_json::to_string(&value)
/// }
/// ```
#[derive(Default)]
pub struct SecretValues {
    /// By environment variable.
    given: BTreeMap<String, SecretString>,
    /// What is stored where nothing is given; in a rehearsal.
    stand_in: Option<SecretString>,
}

impl SecretValues {
    /// `values`: environment variable → value; empty ones count as not given.
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        let given = values.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.into())).collect();
        Self { given, stand_in: None }
    }

    /// With a value that stands in for every one that is not given.
    #[must_use]
    pub fn or_else(self, stand_in: &str) -> Self {
        Self { stand_in: Some(stand_in.into()), ..self }
    }

    /// With this one in the place of what the variable holds.
    #[must_use]
    pub fn with(mut self, variable: &str, value: SecretString) -> Self {
        self.given.insert(variable.to_owned(), value);
        self
    }

    /// What is to be stored where there is nothing yet.
    pub(crate) fn get(&self, variable: &str) -> Option<&SecretString> {
        self.given(variable).or(self.stand_in.as_ref())
    }

    /// What somebody gave, and what a stored value is compared with: what merely stands in is no reason to change anything.
    pub(crate) fn given(&self, variable: &str) -> Option<&SecretString> {
        self.given.get(variable)
    }
}
