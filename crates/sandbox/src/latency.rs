//! How long things take, in milliseconds of the world: the "typ" column of the catalogue's section 16.
//!
//! Estimates, never measured against AWS. Drawing between min, typical and max by seed comes with fault injection.

use crate::clock::Millis;

pub(crate) const SECOND: Millis = 1000;

/// The time of one API call itself.
pub(crate) const API_CALL: Millis = 300;
pub(crate) const VPC_READY: Millis = 2 * SECOND;
pub(crate) const SUBNET_READY: Millis = 2 * SECOND;
pub(crate) const NAT_READY: Millis = 100 * SECOND;
pub(crate) const NAT_GONE: Millis = 60 * SECOND;
/// A deleted NAT gateway stays listed for about an hour.
pub(crate) const NAT_GHOST: Millis = 3600 * SECOND;
pub(crate) const GATEWAY_ENDPOINT_READY: Millis = 5 * SECOND;
pub(crate) const GATEWAY_ENDPOINT_GONE: Millis = 10 * SECOND;
pub(crate) const DB_READY: Millis = 360 * SECOND;
/// The part of `DB_READY` that a new instance spends in `creating`, before `backing-up`.
pub(crate) const DB_CREATING: Millis = 300 * SECOND;
pub(crate) const DB_GONE: Millis = 300 * SECOND;
pub(crate) const DB_MODIFY: Millis = 60 * SECOND;
pub(crate) const LOAD_BALANCER_READY: Millis = 120 * SECOND;
pub(crate) const LOAD_BALANCER_LISTED: Millis = 5 * SECOND;
pub(crate) const ALB_INTERFACES_GONE: Millis = 75 * SECOND;
pub(crate) const NLB_INTERFACES_GONE: Millis = 120 * SECOND;
pub(crate) const CLUSTER_READY: Millis = 2 * SECOND;
pub(crate) const NAMESPACE_READY: Millis = 8 * SECOND;
pub(crate) const NAMESPACE_GONE: Millis = 10 * SECOND;
pub(crate) const TASK_RUNNING: Millis = 40 * SECOND;
pub(crate) const SERVICE_STEADY: Millis = 75 * SECOND;
pub(crate) const SERVICE_STEADY_BEHIND_LOAD_BALANCER: Millis = 150 * SECOND;
pub(crate) const SERVICE_GONE: Millis = 60 * SECOND;
pub(crate) const TASK_INTERFACE_GONE: Millis = 30 * SECOND;
pub(crate) const DISTRIBUTION_DEPLOYED: Millis = 210 * SECOND;
pub(crate) const SECRET_NAME_FREE: Millis = 10 * SECOND;
