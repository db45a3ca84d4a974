//! Policy documents: kept parsed, given back re-serialised and URL-encoded, so that nobody compares their text (catalogue, section 4.1).

use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::services::quotas;
use crate::world::World;

fn malformed(message: impl Into<String>) -> Fault {
    Fault::new("MalformedPolicyDocument", message)
}

/// A trust policy: needs principals, and they must exist (section 2).
pub(super) fn trust(world: &World, text: &str) -> Result<Value, Fault> {
    let document = parsed(text)?;
    quotas::TRUST_POLICY.at_most(world, document.to_string().len() as u64)?;
    for statement in statements(&document) {
        let principal = statement["Principal"].as_object().filter(|p| !p.is_empty());
        let Some(principal) = principal else {
            return Err(malformed("AssumeRole policy must contain a principal"));
        };
        if !statement["Resource"].is_null() {
            return Err(malformed("Has prohibited field Resource"));
        }
        if crate::call::strings(&statement["Action"]).iter().any(|action| !action.starts_with("sts:")) {
            return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
        }
        for (kind, names) in principal {
            for name in crate::call::strings(names) {
                if !known(world, kind, &name) {
                    return Err(malformed(format!("Invalid principal in policy: \"{kind}\":\"{name}\"")));
                }
            }
        }
        if federated_by_github(principal) && !constrains_subject(statement) {
            return Err(malformed("The trust policy must constrain token.actions.githubusercontent.com:sub"));
        }
    }
    Ok(document)
}

/// A permission policy: every statement needs effect, action and resource, and no principal.
pub(super) fn permissions(text: &str) -> Result<Value, Fault> {
    let document = parsed(text)?;
    for statement in statements(&document) {
        if !statement["Principal"].is_null() {
            return Err(malformed("Policy document should not specify a principal."));
        }
        if statement["Resource"].is_null() && statement["NotResource"].is_null() {
            return Err(malformed("Policy statement must contain resources."));
        }
        let actions = crate::call::strings(&statement["Action"]);
        if actions.iter().any(|action| action != "*" && !action.contains(':')) {
            return Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
        }
    }
    Ok(document)
}

/// URL-encoded, as every read gives it.
pub(super) fn encoded(document: &Value) -> String {
    percent_encoding::utf8_percent_encode(&document.to_string(), percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Every text that is `old` becomes `new`.
pub(super) fn rename(document: &mut Value, old: &str, new: &str) {
    match document {
        Value::String(text) if text == old => *text = new.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, old, new)),
        Value::Object(map) => map.values_mut().for_each(|value| rename(value, old, new)),
        _ => {}
    }
}

pub(crate) fn statements(document: &Value) -> Vec<&Value> {
    match &document["Statement"] {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn parsed(text: &str) -> Result<Value, Fault> {
    let document: Value = serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
    let statements = statements(&document);
    if !document.is_object() || statements.is_empty() {
        return Err(malformed("Syntax errors in policy."));
    }
    if !matches!(document["Version"].as_str(), None | Some("2012-10-17" | "2008-10-17")) {
        return Err(malformed("Syntax errors in policy. The policy must contain a valid version string."));
    }
    for statement in statements {
        let effect = matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"));
        let action = !crate::call::strings(&statement["Action"]).is_empty() || !statement["NotAction"].is_null();
        if !effect || !action {
            return Err(malformed("Syntax errors in policy."));
        }
    }
    Ok(canonical(&document))
}

/// Version first, statements as a list, one-element lists as the element: AWS changes the spelling, never the meaning.
fn canonical(document: &Value) -> Value {
    let mut out = Map::new();
    out.insert("Version".into(), document.get("Version").cloned().unwrap_or_else(|| "2008-10-17".into()));
    if let Some(id) = document.get("Id") {
        out.insert("Id".into(), id.clone());
    }
    let statements = statements(document).into_iter().map(|statement| {
        let order = ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        order.into_iter().filter_map(|key| Some((key.to_owned(), single(statement.get(key)?)))).collect::<Map<_, _>>().into()
    });
    out.insert("Statement".into(), Value::Array(statements.collect()));
    out.into()
}

fn single(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 1 => single(&items[0]),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), single(value))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

fn known(world: &World, kind: &str, name: &str) -> bool {
    match kind {
        "Service" => name.ends_with(".amazonaws.com") && name.len() > ".amazonaws.com".len(),
        "Federated" if name.contains(":oidc-provider/") => world.iam.providers.contains_key(name),
        "Federated" => true,
        "AWS" => aws_principal_exists(world, name),
        _ => false,
    }
}

/// Also for other services' resource policies: principals of this account must exist, foreign ones are trusted to.
pub(crate) fn aws_principal_exists(world: &World, name: &str) -> bool {
    let ours = format!("arn:aws:iam::{}:", world.account);
    match name.strip_prefix(&ours) {
        _ if name == "*" || (name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit())) => true,
        Some(rest) if rest.starts_with("role/") => world.iam.role_by_arn(name).is_some(),
        Some(rest) => rest == "root" || rest == "user/sandbox",
        None => name.starts_with("arn:aws:iam::") || name.starts_with("arn:aws:sts::"),
    }
}

fn federated_by_github(principal: &Map<String, Value>) -> bool {
    let names = principal.get("Federated").map(crate::call::strings).unwrap_or_default();
    names.iter().any(|name| name.ends_with("oidc-provider/token.actions.githubusercontent.com"))
}

fn constrains_subject(statement: &Value) -> bool {
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    conditions.filter_map(|(_, keys)| keys.as_object()).any(|keys| keys.contains_key("token.actions.githubusercontent.com:sub"))
}
