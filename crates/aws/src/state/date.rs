//! What time it is by the server: the `Date` header of an answer, refusals too.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use landing_engine::{CallError, Class, Moment};

use crate::time::date_of;

/// Of the last answer to one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<Option<Moment>>>);

impl Told {
    pub(super) fn time(&self, operation: &str) -> Result<Moment, CallError> {
        let time = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        time.ok_or_else(|| {
            CallError::new(Class::Invalid, operation, "the answer does not say what time it is, so no lease can be counted by it")
                .help("landing must reach S3 itself, or through a proxy that leaves the Date header in place")
        })
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Told {
    fn name(&self) -> &'static str {
        "landing::Told"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = date_of(context);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.and_then(|date| Moment::try_from(date.secs()).ok());
        Ok(())
    }
}
