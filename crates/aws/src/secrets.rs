//! Secret values on their way from the user's environment, or the generator, to Secrets Manager and nowhere else.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// Values that `from = "env:NAME"` secrets take, read once at start. Neither printable nor serialisable.
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
