//! What a security group lets through, in the form that the Authorize and Revoke calls want: one protocol, one span of ports, one peer.

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};

/// `peer` is a range, a group (`sg-…`) or a prefix list (`pl-…`); its form says which.
pub(super) fn to(protocol: &str, ports: (Option<i32>, Option<i32>), peer: &str, description: Option<&str>) -> IpPermission {
    let permission = IpPermission::builder().ip_protocol(protocol).set_from_port(ports.0).set_to_port(ports.1);
    let text = description.filter(|text| !text.is_empty()).map(str::to_owned);
    let permission = match peer {
        _ if peer.starts_with("sg-") => {
            permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(peer).set_description(text).build())
        }
        _ if peer.starts_with("pl-") => {
            permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(peer).set_description(text).build())
        }
        _ if peer.contains(':') => permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(peer).set_description(text).build()),
        _ => permission.ip_ranges(IpRange::builder().cidr_ip(peer).set_description(text).build()),
    };
    permission.build()
}

/// All peers of a permission as it is read, where AWS puts those of the same protocol and ports together.
pub(super) fn sources(permission: &IpPermission) -> Vec<&str> {
    let ipv4 = permission.ip_ranges().iter().filter_map(IpRange::cidr_ip);
    let ipv6 = permission.ipv6_ranges().iter().filter_map(Ipv6Range::cidr_ipv6);
    let groups = permission.user_id_group_pairs().iter().filter_map(UserIdGroupPair::group_id);
    let lists = permission.prefix_list_ids().iter().filter_map(PrefixListId::prefix_list_id);
    ipv4.chain(ipv6).chain(groups).chain(lists).collect()
}
