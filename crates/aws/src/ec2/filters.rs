//! What the EC2 kinds share: filters by the stack's tags, and tags in the create call.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use landing_engine::stack::{TAG_ENV, TAG_PROJECT};
use landing_engine::{CallError, Class, Door, Gone, Live, NodeName, Stack, Tags};

use crate::{Aws, IntoCallError, ownership};

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

pub(crate) fn born_with(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(list(tags))).build()
}

pub(crate) fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

pub(crate) fn read(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned())).collect()
}

/// Puts the stack's tags back on an object that lost them; tags of others stay.
pub(crate) async fn retag(cx: &Aws, door: &Door<'_>, id: &str) -> Result<(), CallError> {
    let operation = "ec2:CreateTags";
    door.call(operation, || async {
        cx.ec2.create_tags().resources(id).set_tags(Some(list(&door.tags()))).send().await.call(operation)
    })
    .await
    .map(|_| ())
}

/// The one object that was read by its id, unless another stack has taken it over.
pub(crate) fn one<K>(stack: &Stack, node: &NodeName, live: Option<Live<K>>) -> Option<Live<K>> {
    live.filter(|live| !ownership::is_foreign(stack, &live.tags)).map(|live| Live { node: node.clone(), ..live })
}

/// A refusal of class `already` means that the call had its effect before: the answer was lost, or somebody else was faster. Said inside the
/// door's call, because while something is made the door takes "not found" for "not visible yet".
pub(crate) fn done_before<T>(result: Result<T, CallError>, already: Class) -> Result<(), CallError> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if error.class == already => Ok(()),
        Err(error) => Err(error),
    }
}

/// What a synchronous delete means: done, or it was done before.
pub(crate) fn gone<T>(result: Result<T, CallError>) -> Result<Gone, CallError> {
    match result {
        Ok(_) => Ok(Gone::Yes),
        Err(error) if error.class == Class::NotFound => Ok(Gone::Yes),
        Err(error) => Err(error),
    }
}
