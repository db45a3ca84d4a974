//! RDS: managed databases.

pub mod instance;
mod reading;
mod request;
pub mod subnet_group;

use aws_sdk_rds::types::Tag;
pub use instance::Instance;
use landing_engine::{CallError, Door, Tags};
pub use subnet_group::SubnetGroup;

use crate::{Aws, IntoCallError};

fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn read(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned())).collect()
}

/// Puts the stack's tags back on an object that lost them; tags of others stay.
async fn retag(cx: &Aws, door: &Door<'_>, arn: &str) -> Result<(), CallError> {
    let operation = "rds:AddTagsToResource";
    let add = || cx.rds.add_tags_to_resource().resource_name(arn).set_tags(Some(list(&door.tags())));
    door.call(operation, || async { add().send().await.call(operation) }).await.map(|_| ())
}
