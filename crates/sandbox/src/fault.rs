//! A refusal, with AWS's exact code.

/// Service modules answer with one of these; the wire turns it into the protocol's error shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub code: String,
    pub message: String,
    pub status: u16,
}

impl Fault {
    /// HTTP 400, which most services answer for most client errors.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: 400 }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn unknown_operation(service: &str, operation: &str) -> Self {
        Self::new("UnknownOperationException", format!("the sandbox does not model {service}:{operation}")).status(501)
    }
}
