//! What the account is asked before anything is planned; nothing here is made or owned.

use landing_engine::{CallError, Class};

use super::filters;
use crate::{Aws, IntoCallError};

/// The addresses that CloudFront calls origins from. One list a region, with an id of its own in each. It weighs 55 of the 60 rules that a group
/// may have: one rule with it fits, a second does not. Source: `aws-behaviours` 3.12.
const CLOUDFRONT: &str = "com.amazonaws.global.cloudfront.origin-facing";

impl Aws {
    /// Id of the prefix list of CloudFront's addresses in this region.
    ///
    /// # Errors
    /// `NotFound` where the region has none.
    pub async fn cloudfront_prefix_list(&self) -> Result<String, CallError> {
        let operation = "ec2:DescribeManagedPrefixLists";
        let by_name = filters::filter("prefix-list-name", CLOUDFRONT);
        let reply = self.ec2.describe_managed_prefix_lists().filters(by_name).send().await.call(operation)?;
        let id = reply.prefix_lists().iter().find_map(|list| list.prefix_list_id());
        id.map(str::to_owned).ok_or_else(|| {
            CallError::new(Class::NotFound, operation, format!("there is no prefix list {CLOUDFRONT} in {}", self.region))
        })
    }

    /// Names of the availability zones that every account may use, sorted. Local and wavelength zones are left out.
    pub async fn zones(&self) -> Result<Vec<String>, CallError> {
        let filters = [("state", "available"), ("zone-type", "availability-zone"), ("opt-in-status", "opt-in-not-required")];
        let filters = filters.iter().map(|(name, value)| filters::filter(name, value)).collect();
        let reply = self.ec2.describe_availability_zones().set_filters(Some(filters)).send().await;
        let reply = reply.call("ec2:DescribeAvailabilityZones")?;
        let mut names: Vec<_> =
            reply.availability_zones().iter().filter_map(|zone| zone.zone_name().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }
}
