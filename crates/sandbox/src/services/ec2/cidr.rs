//! CIDR blocks: AWS answers in canonical form (`10.0.0.18/18` → `10.0.0.0/18`).

use ipnet::{Ipv4Net, Ipv6Net};

use crate::fault::Fault;

use super::lookup::invalid;

/// # Errors
/// `InvalidParameterValue` when the text is no CIDR block.
pub(super) fn ipv4(text: &str, parameter: &str) -> Result<Ipv4Net, Fault> {
    text.parse::<Ipv4Net>()
        .map(|net| net.trunc())
        .map_err(|_| invalid(format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block.")))
}

/// # Errors
/// As [`ipv4`].
pub(super) fn ipv6(text: &str, parameter: &str) -> Result<Ipv6Net, Fault> {
    text.parse::<Ipv6Net>().map(|net| net.trunc()).map_err(|_| {
        invalid(format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid IPv6 CIDR block."))
    })
}

pub(super) fn overlap(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(b) || b.contains(a)
}
