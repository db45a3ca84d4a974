//! RDS: managed databases.

pub mod instance;
mod password;
mod reading;
mod request;
mod rotation;
pub mod subnet_group;

pub use instance::Instance;
use landing_engine::{CallError, Door, Tags};
pub use reading::master_secret;
pub use subnet_group::SubnetGroup;

use crate::{Aws, IntoCallError, tags};

/// Puts the stack's tags back on an object that lost them; tags of others stay.
async fn retag(cx: &Aws, door: &Door<'_>, arn: &str) -> Result<(), CallError> {
    tag(cx, door, arn, &door.tags()).await
}

async fn tag(cx: &Aws, door: &Door<'_>, arn: &str, more: &Tags) -> Result<(), CallError> {
    let operation = "rds:AddTagsToResource";
    let add = || cx.rds.add_tags_to_resource().resource_name(arn).set_tags(Some(tags::list(more)));
    door.call(operation, || async { add().send().await.call(operation) }).await.map(|_| ())
}
