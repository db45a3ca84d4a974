//! A new master password where RDS keeps it.
//!
//! Source: RDS API Reference, `ModifyDBInstance`, `RotateMasterUserPassword`, which must be applied at once; Secrets Manager's guide on managed rotation: it is mostly over
//! within a minute.

use std::time::Duration;

use landing_engine::{CallError, Class, Door};

use super::reading;
use crate::secretsmanager::current_version;
use crate::{Aws, IntoCallError};

const PAUSE: Duration = Duration::from_secs(5);
/// Ten times what it mostly takes.
const PAUSES: u32 = 120;

/// Ends when the new one is what readers get: who starts before that gets the old one.
pub(super) async fn rotate(cx: &Aws, door: &Door<'_>, id: &str, secret: &str) -> Result<(), CallError> {
    let operation = "rds:ModifyDBInstance";
    let before = current_version(cx, secret).await?;
    door.call(operation, || async {
        reading::settled(cx, operation, id).await?;
        // An attempt whose answer was lost has done it.
        if current_version(cx, secret).await? != before {
            return Ok(());
        }
        let modify = cx.rds.modify_db_instance().db_instance_identifier(id).rotate_master_user_password(true);
        modify.apply_immediately(true).send().await.call(operation).map(|_| ())
    })
    .await?;
    for _ in 0..PAUSES {
        if current_version(cx, secret).await? != before {
            return Ok(());
        }
        door.tell("RDS makes a new password");
        door.rest(PAUSE).await?;
    }
    Err(CallError::new(Class::Ambiguous, operation, format!("RDS has not changed the password of {id} within ten minutes"))
        .help("it may still do so; look at the instance's events in the RDS console"))
}
