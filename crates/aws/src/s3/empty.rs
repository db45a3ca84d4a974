//! Emptying a bucket, versions and delete markers included: S3 deletes empty buckets only.
//!
//! Source: S3 API Reference, `ListObjectVersions`, `DeleteObjects`; `aws-behaviours` 11.3.

use aws_sdk_s3::types::{Delete, Error, ObjectIdentifier};
use landing_engine::{CallError, Class, Door};

use crate::{Aws, IntoCallError, ownership};

/// Deletes page by page, 1000 keys each, until nothing is listed; a bucket that is not there is empty.
pub(crate) async fn empty(cx: &Aws, door: &Door<'_>, bucket: &str) -> Result<(), CallError> {
    loop {
        let page = cx.s3.list_object_versions().bucket(bucket).send().await.call("s3:ListBucketVersions");
        let Some(page) = ownership::found(page)? else { return Ok(()) };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let objects: Vec<ObjectIdentifier> = versions.chain(markers).map(|(key, version)| identifier(key, version)).collect();
        if objects.is_empty() {
            return Ok(());
        }
        delete(cx, door, bucket, objects).await?;
    }
}

/// Deletes at most 1000 of them.
pub(super) async fn delete(cx: &Aws, door: &Door<'_>, bucket: &str, objects: Vec<ObjectIdentifier>) -> Result<(), CallError> {
    let operation = "s3:DeleteObject";
    door.call(operation, || async {
        let all = Delete::builder().set_objects(Some(objects.clone())).quiet(true).build().expect("the objects are set");
        let reply = cx.s3.delete_objects().bucket(bucket).delete(all).send().await.call(operation)?;
        refusal(operation, reply.errors()).map_or(Ok(()), Err)
    })
    .await
}

/// What a 200 says that it did not delete. The listing starts again, so only a refusal ends it.
fn refusal(operation: &str, errors: &[Error]) -> Option<CallError> {
    let error = errors.iter().find(|error| error.code() != Some("InternalError"))?;
    let (code, key) = (error.code().unwrap_or_default(), error.key().unwrap_or_default());
    let class = if code == "AccessDenied" { Class::Denied } else { Class::Invalid };
    Some(CallError { code: Some(code.into()), ..CallError::new(class, operation, format!("{key} cannot be deleted")) })
}

fn identifier(key: Option<&str>, version: Option<&str>) -> ObjectIdentifier {
    let version = version.map(str::to_owned);
    ObjectIdentifier::builder().key(key.unwrap_or_default()).set_version_id(version).build().expect("the key is set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_200_that_names_what_was_not_deleted_is_a_refusal() {
        let error = |code: &str, key: &str| Error::builder().code(code).key(key).build();
        let class = |errors: &[Error]| refusal("s3:DeleteObject", errors).map(|error| (error.class, error.message));
        assert_eq!(class(&[]), None);
        assert_eq!(class(&[error("InternalError", "a")]), None, "it is listed again");
        let denied = [error("InternalError", "a"), error("AccessDenied", "b")];
        assert_eq!(class(&denied), Some((Class::Denied, "b cannot be deleted".to_owned())));
    }
}
