//! AWS's own time, as its answers say it. This machine's clock may be wrong, and a sandbox has a time of its own.

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use tokio::time::Instant;

/// What an answer says.
pub(crate) fn date_of(context: &BeforeDeserializationInterceptorContextRef<'_>) -> Option<DateTime> {
    context.response().headers().get("date").and_then(|text| DateTime::from_str(text, Format::HttpDate).ok())
}

/// The date of the first answer, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Dated {
    first: Arc<OnceLock<(i64, Instant)>>,
    /// AWS seconds in a second of tokio's clock.
    scale: f64,
}

impl Dated {
    pub(crate) fn new(scale: f64) -> Self {
        Self { first: Arc::default(), scale }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> Option<i64> {
        let (date, came) = self.first.get()?;
        Some(date + (came.elapsed().as_secs_f64() * self.scale * 1000.0) as i64)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "landing::Dated"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = date_of(context).and_then(|date| date.to_millis().ok()) {
            // The first one counts.
            let _ = self.first.set((date, Instant::now()));
        }
        Ok(())
    }
}
