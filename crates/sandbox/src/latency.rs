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
/// A NAT gateway that cannot work says so sooner (estimate).
pub(crate) const NAT_FAILED: Millis = 15 * SECOND;
/// A deleted NAT gateway stays listed for about an hour.
pub(crate) const NAT_GHOST: Millis = 3600 * SECOND;
pub(crate) const GATEWAY_ENDPOINT_READY: Millis = 5 * SECOND;
pub(crate) const GATEWAY_ENDPOINT_GONE: Millis = 10 * SECOND;
pub(crate) const DB_READY: Millis = 360 * SECOND;
/// The part of `DB_READY` that a new instance spends in `creating`, before `backing-up`.
pub(crate) const DB_CREATING: Millis = 300 * SECOND;
pub(crate) const DB_GONE: Millis = 300 * SECOND;
pub(crate) const DB_MODIFY: Millis = 60 * SECOND;
/// Class, version, storage: what restarts the instance.
pub(crate) const DB_MODIFY_CLASS: Millis = 600 * SECOND;
/// What a final snapshot adds to `DB_GONE`.
pub(crate) const DB_SNAPSHOT: Millis = 300 * SECOND;
pub(crate) const DB_REBOOT: Millis = 60 * SECOND;
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
/// A task's way out: from `stopping` to `STOPPED`.
pub(crate) const TASK_STOPS: Millis = 10 * SECOND;
/// How long a one-off task of the sandbox works before it exits with 0.
pub(crate) const ONE_OFF_WORK: Millis = 20 * SECOND;
/// Stopped tasks, INACTIVE services and clusters stay describable for about an hour.
pub(crate) const ECS_GHOST: Millis = 3600 * SECOND;
/// Task definitions in DELETE_IN_PROGRESS.
pub(crate) const TASK_DEFINITION_GONE: Millis = 10 * SECOND;
/// ECS removes its Cloud Map services a while after the ECS service became INACTIVE.
pub(crate) const DISCOVERY_SERVICE_GONE: Millis = 10 * SECOND;
pub(crate) const INVALIDATION_DONE: Millis = 30 * SECOND;
