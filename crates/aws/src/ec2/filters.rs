//! What the EC2 kinds share: filters by the stack's tags, and tags in the create call.
//!
//! Whoever acts on one object looks for it by its id in the answer, too: an emulator that does not know a filter lets everything through.

use aws_sdk_ec2::types::{Filter, ResourceType, TagSpecification};
use landing_engine::stack::{TAG_ENV, TAG_NODE, TAG_PROJECT};
use landing_engine::{CallError, Door, Stack, Tags};

use crate::{Aws, IntoCallError, tags};

pub(crate) fn filter(name: &str, value: &str) -> Filter {
    any(name, [value])
}

/// Lets through what has any of `values`.
pub(crate) fn any<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(str::to_owned).collect())).build()
}

/// The two filters that select everything of a stack.
pub(crate) fn of_stack(stack: &Stack) -> Vec<Filter> {
    vec![filter(&format!("tag:{TAG_PROJECT}"), &stack.project), filter(&format!("tag:{TAG_ENV}"), &stack.env)]
}

/// The filters that select the objects of the door's node: more than one after a call whose answer was lost.
pub(crate) fn of_node(door: &Door<'_>) -> Vec<Filter> {
    let mut filters = of_stack(door.stack());
    filters.push(filter(&format!("tag:{TAG_NODE}"), door.node().as_str()));
    filters
}

pub(crate) fn born_with(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags::list(tags))).build()
}

/// Puts the stack's tags back on an object that lost them; tags of others stay.
pub(crate) async fn retag(cx: &Aws, door: &Door<'_>, id: &str) -> Result<(), CallError> {
    let operation = "ec2:CreateTags";
    door.call(operation, || async {
        cx.ec2.create_tags().resources(id).set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)
    })
    .await
    .map(|_| ())
}
