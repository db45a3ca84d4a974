//! S3: buckets, who may read them, and the site in them.

pub mod bucket;
pub(crate) mod configuration;
mod empty;
mod headers;
pub mod policy;
mod publication;
mod publish;
mod readings;
mod settings;
pub mod site;

pub use bucket::Bucket;
pub use policy::BucketPolicy;
pub use publication::Publication;
pub(crate) use settings::versioned;
pub use site::Site;
