//! Resource policies of secrets: checked, kept, not evaluated.

use serde_json::{Value, json};

use super::{living, named, not_found};
use crate::call::{Call, strings};
use crate::fault::Fault;
use crate::services::iam;
use crate::wire::Reply;
use crate::world::World;

fn malformed(message: &str) -> Fault {
    Fault::new("MalformedPolicyDocumentException", message)
}

/// Principals of the account must exist (catalogue, section 2).
pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let text = call.need("ResourcePolicy", "InvalidParameterException")?;
    let policy: Value = serde_json::from_str(&text).map_err(|_| malformed("This resource policy is not valid JSON."))?;
    let statements = iam::statements(&policy);
    if statements.is_empty() {
        return Err(malformed("This resource policy has no statement."));
    }
    let named = |statement: &Value| strings(&statement["Principal"]["AWS"]);
    if statements.into_iter().flat_map(named).any(|name| !iam::aws_principal_exists(world, &name)) {
        return Err(malformed("This resource policy contains an unsupported principal."));
    }
    let secret = living(world, call)?;
    secret.policy = Some(policy);
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }).into())
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = named(world, call)?;
    let secret = world.secrets.secrets.get(&name).ok_or_else(not_found)?;
    let mut body = json!({ "ARN": secret.arn, "Name": secret.name });
    if let Some(policy) = &secret.policy {
        body["ResourcePolicy"] = policy.to_string().into();
    }
    Ok(body.into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let secret = living(world, call)?;
    secret.policy = None;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }).into())
}
