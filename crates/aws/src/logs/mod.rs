//! CloudWatch Logs.

pub mod group;
mod reading;

pub use group::Group;
pub(crate) use group::delete_if_there;
pub use reading::{Line, Reader, Source};
pub(crate) use reading::{STREAM_PREFIX, last_lines, last_writer, stream};
