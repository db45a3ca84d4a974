//! The JSON schema of `landing.toml`, for editors and for the check of unknown keys.

use serde_json::{Value, json};

use super::Settings;

/// The JSON schema of `landing.toml`.
#[must_use]
pub fn landing_toml_schema() -> Value {
    let mut schema = schemars::schema_for!(Settings).to_value();
    if let Some(root) = schema.as_object_mut() {
        // The type has it optional since an `[env.…]` table is the same type and need not repeat it.
        root.insert("required".to_owned(), json!(["name"]));
        root.insert("title".to_owned(), json!("landing.toml"));
    }
    schema
}
