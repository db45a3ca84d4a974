//! IAM: who may do what.

pub mod oidc_provider;
mod policies;
pub mod role;

use aws_sdk_iam::types::Tag;
use landing_engine::Tags;
pub use oidc_provider::OidcProvider;
pub use role::Role;

fn list(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("key and value are set");
    tags.iter().map(tag).collect()
}

fn read(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}
