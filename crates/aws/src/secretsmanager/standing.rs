//! What there is to say of a secret without reading its value.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use landing_engine::{CallError, Stack};

use super::reading;
use crate::{Aws, IntoCallError, ownership, tags};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub name: String,
    /// Whether there is a value that readers get.
    pub has_value: bool,
    /// When it was changed last, its value or anything else of it, in milliseconds since 1970.
    pub changed: Option<i64>,
    /// Another stack's, which merely has the name.
    pub foreign: bool,
}

/// By name or ARN; `None` when it is not there, or waits to be deleted.
///
/// # Errors
/// When AWS does not let it read.
pub async fn standing(cx: &Aws, stack: &Stack, id: &str) -> Result<Option<Standing>, CallError> {
    Ok(describe(cx, id).await?.map(|reply| Standing {
        name: reply.name().unwrap_or_default().to_owned(),
        has_value: current(&reply).is_some(),
        changed: reply.last_changed_date().or(reply.created_date()).and_then(|at| at.to_millis().ok()),
        foreign: ownership::is_foreign(stack, &tags::read(reply.tags())),
    }))
}

/// Id of the version that readers get.
pub(crate) async fn current_version(cx: &Aws, id: &str) -> Result<Option<String>, CallError> {
    Ok(describe(cx, id).await?.as_ref().and_then(current))
}

async fn describe(cx: &Aws, id: &str) -> Result<Option<DescribeSecretOutput>, CallError> {
    let request = cx.secretsmanager.describe_secret().secret_id(id);
    let reply = ownership::found(request.send().await.call("secretsmanager:DescribeSecret"))?;
    Ok(reply.filter(|reply| reply.deleted_date().is_none()))
}

fn current(reply: &DescribeSecretOutput) -> Option<String> {
    reading::current(reply.version_ids_to_stages().into_iter().flatten()).map(str::to_owned)
}
