//! Conditions of rules: checked, and completed as AWS gives them back.

use serde_json::{Value, json};

use super::validation;
use crate::call::{strings, text};
use crate::fault::Fault;

/// Field, name of its configuration, and longest value.
const FIELDS: [(&str, &str, usize); 4] = [
    ("path-pattern", "PathPatternConfig", 128),
    ("host-header", "HostHeaderConfig", 128),
    ("http-request-method", "HttpRequestMethodConfig", 40),
    ("source-ip", "SourceIpConfig", 43),
];

pub(super) fn normalise(given: &[Value]) -> Result<Vec<Value>, Fault> {
    if given.is_empty() {
        return Err(validation("A condition must be specified"));
    }
    let mut out = Vec::new();
    let (mut count, mut wildcards) = (0, 0);
    for condition in given {
        let field = text(&condition["Field"]).unwrap_or_default();
        let made = match FIELDS.iter().find(|(known, _, _)| *known == field) {
            Some((_, config, longest)) => {
                let values = match strings(&condition[*config]["Values"]) {
                    none if none.is_empty() => strings(&condition["Values"]),
                    some => some,
                };
                if values.is_empty() || values.iter().any(|value| value.is_empty() || value.len() > *longest) {
                    return Err(validation(format!("The condition values of '{field}' must have 1 to {longest} characters")));
                }
                let legal = |c: char| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&()!,;=?*".contains(c);
                if field == "path-pattern"
                    && values.iter().any(|value| !value.starts_with(['/', '*']) || !value.chars().all(legal))
                {
                    return Err(validation(
                        "A path pattern begins with '/' and has no other characters than A-Z a-z 0-9 _ - . $ / ~ \" ' @ : + & ( ) * ?",
                    ));
                }
                count += values.len();
                wildcards += values.iter().flat_map(|value| value.chars()).filter(|c| matches!(c, '*' | '?')).count();
                let mut made = json!({ "Field": field, *config: { "Values": values } });
                // The two oldest fields come back in both spellings.
                if matches!(field.as_str(), "path-pattern" | "host-header") {
                    made["Values"] = json!(values);
                }
                made
            }
            None => match field.as_str() {
                "http-header" => {
                    let config = &condition["HttpHeaderConfig"];
                    let values = strings(&config["Values"]);
                    let name = text(&config["HttpHeaderName"]).filter(|name| !name.is_empty() && name.len() <= 40);
                    let name = name
                        .filter(|_| !values.is_empty())
                        .ok_or_else(|| validation("A header condition needs a name and values"))?;
                    count += values.len();
                    wildcards += values.iter().flat_map(|value| value.chars()).filter(|c| matches!(c, '*' | '?')).count();
                    json!({ "Field": field, "HttpHeaderConfig": { "HttpHeaderName": name, "Values": values } })
                }
                "query-string" => {
                    let pairs = condition["QueryStringConfig"]["Values"].as_array().cloned().unwrap_or_default();
                    if pairs.is_empty() || pairs.iter().any(|pair| text(&pair["Value"]).is_none()) {
                        return Err(validation("A query string condition needs values"));
                    }
                    count += pairs.len();
                    json!({ "Field": field, "QueryStringConfig": { "Values": pairs } })
                }
                other => {
                    return Err(validation(format!(
                        "Condition field '{other}' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'"
                    )));
                }
            },
        };
        if out.iter().any(|other: &Value| other["Field"] == made["Field"])
            && !matches!(field.as_str(), "http-header" | "query-string")
        {
            return Err(validation(format!("A rule can have only one '{field}' condition")));
        }
        out.push(made);
    }
    // Catalogue, section 10.4.
    if count > 5 {
        return Err(validation("A rule can have at most 5 condition values"));
    }
    if wildcards > 5 {
        return Err(validation("A rule can have at most 5 wildcards"));
    }
    Ok(out)
}
