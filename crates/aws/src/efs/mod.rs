//! EFS: file systems for named volumes, where tasks reach them, and as whom.

pub mod access_point;
pub mod file_system;
pub mod mount_target;
mod readings;
mod young;

pub use access_point::AccessPoint;
pub use file_system::FileSystem;
use landing_engine::{CallError, Door};
pub use mount_target::MountTarget;
pub(crate) use young::Young;

use crate::{Aws, IntoCallError, tags};

/// EFS's word for what is on its way out; the call that sends it there is answered before it is gone.
const DELETING: &str = "deleting";

/// Puts the stack's tags back on an object that lost them; tags of others stay.
async fn retag(cx: &Aws, door: &Door<'_>, id: &str) -> Result<(), CallError> {
    let operation = "elasticfilesystem:TagResource";
    let tag = || cx.efs.tag_resource().resource_id(id).set_tags(Some(tags::list(&door.tags())));
    door.call(operation, || async { tag().send().await.call(operation) }).await.map(|_| ())
}
