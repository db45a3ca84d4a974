//! Watches every request: counts it, says to the transport what it is about, and refuses a mutating one that does not come through the door.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;

use crate::far_end::{FarEnd, FromEmulator};
use crate::transport::Sent;

/// Requests sent, by `service:Operation`; attempts count one each.
pub type CallCounts = BTreeMap<String, u64>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    counts: Arc<Mutex<CallCounts>>,
    beside_the_door: bool,
    /// What the first that answered calls itself.
    server: Arc<OnceLock<String>>,
    /// Where the API is, when it is not AWS's own.
    endpoint: Option<Arc<str>>,
}

impl Watch {
    pub(crate) fn of(endpoint: Option<&str>) -> Self {
        Self { endpoint: endpoint.map(Into::into), ..Self::default() }
    }

    /// For what keeps the state itself: the door writes down what it sends, and this is where that goes. Nothing of a stack may be sent by such a client.
    pub(crate) fn beside_the_door(&self) -> Self {
        Self { beside_the_door: true, ..self.clone() }
    }

    /// Who has answered.
    pub(crate) fn far_end(&self) -> FarEnd {
        FarEnd::at(self.endpoint.as_deref(), self.server.get().map_or("", String::as_str))
    }

    pub(crate) fn counts(&self) -> CallCounts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What calls about the state are counted under, in place of their service.
const THE_STATE_S: &str = "state in S3";

/// Whether a counted call changes anything of a stack: what keeps the state and its lock does not.
pub fn is_change(counted: &str) -> bool {
    !is_read(counted) && !counted.starts_with(THE_STATE_S)
}

/// Whether an operation changes anything, by the naming that AWS keeps in all its services; `service:Operation` or the bare operation.
pub fn is_read(operation: &str) -> bool {
    let name = operation.rsplit(":").next().unwrap_or(operation);
    ["Describe", "Get", "List", "Head", "BatchGet", "Filter"].iter().any(|prefix| name.starts_with(prefix))
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "landing::Watch"
    }

    /// Not `read_before_execution`: what a client carries is asked there before the operation's own settings, its name among them, are in the bag.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = bag.load::<Metadata>() else { return Ok(()) };
        if self.beside_the_door || is_read(metadata.name()) {
            return Ok(());
        }
        if landing_engine::door::is_open() {
            // Nothing that changes AWS is sent again but by the door: a call whose answer was lost may have taken effect, and a quota looks like a throttle to
            // the SDK. Readings, those inside the door too, are repeated by the SDK.
            bag.interceptor_state().store_put(RetryConfig::disabled());
            return Ok(());
        }
        Err(format!("{}:{} changes AWS and did not come through the door", metadata.service(), metadata.name()).into())
    }

    /// Once for every attempt: what was put on a request does not survive its being copied for the next one.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = bag.load::<Metadata>() {
            let sent = Sent { service: metadata.service().to_owned(), name: metadata.name().to_owned() };
            context.request_mut().add_extension(sent);
        }
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = bag.load::<Metadata>() {
            let service = if self.beside_the_door { THE_STATE_S } else { metadata.service() };
            let key = format!("{service}:{}", metadata.name());
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.server.get_or_init(|| context.response().headers().get("server").unwrap_or_default().to_owned());
        if let FarEnd::Emulator(url) = self.far_end() {
            let to_head = bag.load::<Metadata>().is_some_and(|metadata| metadata.name().starts_with("Head"));
            context.response_mut().add_extension(FromEmulator { url, to_head });
        }
        Ok(())
    }
}
