//! `[network]`: the addresses of the VPC, and whether the subnets fit.

use ipnet::Ipv4Net;

use super::Cx;
use crate::{
    problem::Problem,
    project::{Nat, Network},
    settings::NatSetting,
};

/// A VPC's own limits are /16 and /28; below /24 the subnets would be too small for tasks and load balancer together.
const WIDEST: u8 = 16;
const NARROWEST: u8 = 24;
/// AWS keeps 5 addresses of each, and a load balancer wants 8 free ones.
const SMALLEST_SUBNET: u8 = 27;

pub(super) fn read(cx: &mut Cx<'_>) -> Network {
    let settings = &cx.settings.network;
    let zones = settings.zones.unwrap_or(2);
    if !(2..=4).contains(&zones) {
        cx.problems.push(
            Problem::at(
                &cx.document.value(&["network", "zones"]),
                "bad-value",
                format!("{zones} availability zones cannot be used"),
            )
            .label("2 to 4: a load balancer and a database need two, and few regions have more than four")
            .help("zones = 2"),
        );
    }
    let default = Ipv4Net::new_assert([10, 0, 0, 0].into(), WIDEST);
    let cidr = match &settings.cidr {
        Some(text) => cidr(cx, text, zones).unwrap_or(default),
        None => default,
    };
    let nat = match settings.nat {
        None | Some(NatSetting::Auto | NatSetting::Single) => Nat::Single,
        Some(NatSetting::PerZone) => Nat::PerZone,
        Some(NatSetting::None) => Nat::None,
    };
    Network { cidr, zones, nat }
}

fn cidr(cx: &mut Cx<'_>, text: &str, zones: u8) -> Option<Ipv4Net> {
    let place = cx.document.value(&["network", "cidr"]);
    let bad = |title: String| Problem::at(&place, "bad-cidr", title);
    let Ok(cidr) = text.parse::<Ipv4Net>() else {
        cx.problems.push(bad(format!("`{text}` is not an IPv4 address range")).help("for example \"10.0.0.0/16\""));
        return None;
    };
    let problem = if cidr.addr() != cidr.network() {
        bad(format!("`{text}` does not start where a /{} starts", cidr.prefix_len())).help(format!("use \"{}\"", cidr.trunc()))
    } else if cidr.prefix_len() < WIDEST {
        bad(format!("`{text}` is larger than a VPC may be")).help(format!("use \"{}/{WIDEST}\"", cidr.addr()))
    } else if cidr.prefix_len() > NARROWEST || smallest_subnet(cidr, zones) > SMALLEST_SUBNET {
        let fits = (WIDEST..=NARROWEST).rev().find(|length| {
            Ipv4Net::new(cidr.addr(), *length).is_ok_and(|wider| smallest_subnet(wider, zones) <= SMALLEST_SUBNET)
        });
        let wider = fits.and_then(|length| Ipv4Net::new(cidr.addr(), length).ok()).unwrap_or(cidr).trunc();
        bad(format!("`{text}` is too small for a public and a private subnet in each of {zones} zones"))
            .help(format!("use \"{wider}\" or a larger range, up to /{WIDEST}"))
    } else if let Some(taken) = reserved(cidr) {
        bad(format!("`{text}` overlaps {taken}")).help("use a private range such as \"10.0.0.0/16\"")
    } else {
        return Some(cidr);
    };
    cx.problems.push(problem);
    None
}

/// The prefix length of each subnet when all are alike.
fn smallest_subnet(cidr: Ipv4Net, zones: u8) -> u8 {
    let subnets = u32::from(zones.max(1)) * 2;
    cidr.prefix_len() + u8::try_from(subnets.next_power_of_two().trailing_zeros()).unwrap_or(8)
}

/// Ranges that a VPC cannot have, or where something else lives.
fn reserved(cidr: Ipv4Net) -> Option<&'static str> {
    let ranges = [
        ([127, 0, 0, 0], 8, "127.0.0.0/8, the loopback addresses"),
        ([169, 254, 0, 0], 16, "169.254.0.0/16, the link-local addresses that ECS and EC2 use inside of each task"),
        ([224, 0, 0, 0], 4, "224.0.0.0/4, the multicast addresses"),
        ([0, 0, 0, 0], 8, "0.0.0.0/8, which no host may have"),
    ];
    ranges.into_iter().find_map(|(address, length, says)| {
        let range = Ipv4Net::new(address.into(), length).ok()?;
        (range.contains(&cidr) || cidr.contains(&range)).then_some(says)
    })
}
