//! What a security group lets out: how it is set and how it is read.
//!
//! Source: EC2 API Reference, `AuthorizeSecurityGroupEgress`, `RevokeSecurityGroupEgress`; `aws-behaviours` 3.9.

use aws_sdk_ec2::types::IpPermission;
use landing_engine::{CallError, Door};

use super::{Egress, permission};
use crate::{Aws, IntoCallError, ownership};

/// One rule a call, because one duplicate would refuse them all.
pub(super) async fn allow(cx: &Aws, door: &Door<'_>, group: &str, egress: &Egress) -> Result<(), CallError> {
    let operation = "ec2:AuthorizeSecurityGroupEgress";
    door.call(operation, || async {
        let what = permission_of(egress);
        let sent = cx.ec2.authorize_security_group_egress().group_id(group).ip_permissions(what).send().await.call(operation);
        ownership::done_before(sent, &["InvalidPermission.Duplicate"])
    })
    .await
}

pub(super) async fn forbid(cx: &Aws, door: &Door<'_>, group: &str, egress: &Egress) -> Result<(), CallError> {
    let operation = "ec2:RevokeSecurityGroupEgress";
    door.call(operation, || async {
        let what = permission_of(egress);
        let sent = cx.ec2.revoke_security_group_egress().group_id(group).ip_permissions(what).send().await.call(operation);
        ownership::done_before(sent, &["InvalidPermission.NotFound"])
    })
    .await
}

fn permission_of(egress: &Egress) -> IpPermission {
    permission::to(&egress.protocol, (egress.from_port, egress.to_port), &egress.cidr, None)
}

pub(super) fn read(permission: &IpPermission) -> Vec<Egress> {
    let protocol = permission.ip_protocol().unwrap_or("-1");
    // Ports of "all protocols" are absent, or -1 in some readings.
    let port = |port: Option<i32>| port.filter(|_| protocol != "-1");
    let ports = (port(permission.from_port()), port(permission.to_port()));
    let one = |cidr: &str| Egress { protocol: protocol.into(), from_port: ports.0, to_port: ports.1, cidr: cidr.into() };
    permission::sources(permission).into_iter().map(one).collect()
}
