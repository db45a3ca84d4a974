//! S3: buckets and who may read them.

pub mod bucket;
pub(crate) mod configuration;
mod empty;
pub mod policy;
mod readings;
mod settings;

pub use bucket::Bucket;
pub use policy::BucketPolicy;
pub(crate) use settings::versioned;
