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
pub struct SecretValues(BTreeMap<String, SecretString>);

impl SecretValues {
    /// `values`: environment variable → value; empty ones count as not given.
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(values.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.into())).collect())
    }

    pub(crate) fn get(&self, variable: &str) -> Option<&SecretString> {
        self.0.get(variable)
    }
}
