//! Distributions: roll-outs take minutes, deletes need a disabled one that is deployed (catalogue, section 12.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{check_version, config, new_id, page, read_tags, subject};
use crate::call::{Call, text};
use crate::clock::{Millis, iso};
use crate::fault::Fault;
use crate::latency;
use crate::services::quotas;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Distribution {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) domain: String,
    pub(crate) etag: String,
    pub(crate) modified: Millis,
    /// `Deployed` from then on.
    pub(crate) deployed_at: Millis,
    /// Complete, with all of AWS's defaults; values are texts as in XML.
    pub(crate) config: Value,
    pub(crate) tags: Tags,
}

pub(super) fn find(world: &World, call: &Call) -> Result<Distribution, Fault> {
    let found = world.cloudfront.distributions.get(subject(call)).cloned();
    found.ok_or_else(|| Fault::new("NoSuchDistribution", "The specified distribution does not exist.").status(404))
}

fn status(world: &World, distribution: &Distribution) -> &'static str {
    if distribution.deployed_at <= world.now { "Deployed" } else { "InProgress" }
}

fn answer(world: &World, distribution: &Distribution) -> Reply {
    let nobody = json!({ "Enabled": false, "Quantity": 0 });
    let body = json!({
        "Id": distribution.id,
        "ARN": distribution.arn,
        "Status": status(world, distribution),
        "LastModifiedTime": iso(distribution.modified),
        "InProgressInvalidationBatches": world.cloudfront.invalidations.values()
            .filter(|i| i.distribution == distribution.id && i.done_at > world.now).count(),
        "DomainName": distribution.domain,
        "ActiveTrustedSigners": nobody,
        "ActiveTrustedKeyGroups": nobody,
        "DistributionConfig": distribution.config,
    });
    Reply::xml("Distribution", body).header("etag", distribution.etag.clone())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let with_tags = call.operation == "CreateDistributionWithTags";
    let given = if with_tags { &call.input["DistributionConfig"] } else { &call.input };
    let tags = if with_tags { read_tags(&call.input["Tags"])? } else { Tags::new() };
    let config = config::complete(world, given)?;
    let all = &world.cloudfront.distributions;
    if let Some(existing) = all.values().find(|d| d.config["CallerReference"] == config["CallerReference"]) {
        // Even for an identical body.
        return Err(Fault::new("DistributionAlreadyExists", format!("The caller reference that you are using to create a distribution is associated with another distribution. Already exists: {}", existing.id)).status(409));
    }
    quotas::DISTRIBUTIONS.one_more(world, all.len())?;
    check_aliases(world, &config, None)?;
    let id = new_id(world);
    let distribution = Distribution {
        arn: format!("arn:aws:cloudfront::{}:distribution/{id}", world.account),
        domain: format!("d{}.cloudfront.net", &world.hex()[..13]),
        etag: new_id(world),
        modified: world.now,
        deployed_at: world.now + latency::DISTRIBUTION_DEPLOYED.of(world, &id),
        config,
        tags,
        id,
    };
    let reply =
        answer(world, &distribution).status(201).header("location", format!("/2020-05-31/distribution/{}", distribution.id));
    world.cloudfront.distributions.insert(distribution.id.clone(), distribution);
    Ok(reply)
}

fn aliases(config: &Value) -> Vec<String> {
    let listed = &config["Aliases"]["Items"];
    [&listed["CNAME"], &listed["CNAME[]"]].into_iter().flat_map(config::items).filter_map(text).collect()
}

fn check_aliases(world: &World, config: &Value, own: Option<&str>) -> Result<(), Fault> {
    let wanted = aliases(config);
    quotas::ALIASES.at_most(world, wanted.len() as u64)?;
    if !wanted.is_empty() && config["ViewerCertificate"]["CloudFrontDefaultCertificate"] == "true" {
        return Err(Fault::new(
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted certificate that validates your authorization to use the domain name.",
        ));
    }
    let others = world.cloudfront.distributions.values().filter(|d| Some(d.id.as_str()) != own);
    if others.flat_map(|d| aliases(&d.config)).any(|alias| wanted.contains(&alias)) {
        return Err(Fault::new(
            "CNAMEAlreadyExists",
            "One or more of the CNAMEs you provided are already associated with a different resource.",
        )
        .status(409));
    }
    Ok(())
}

pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Fault> {
    Ok(answer(world, &find(world, call)?))
}

pub(super) fn get_config(world: &World, call: &Call) -> Result<Reply, Fault> {
    let distribution = find(world, call)?;
    Ok(Reply::xml("DistributionConfig", distribution.config).header("etag", distribution.etag))
}

/// Summaries have neither tags nor the caller's reference.
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let shown = [
        "Aliases",
        "Origins",
        "OriginGroups",
        "DefaultCacheBehavior",
        "CacheBehaviors",
        "CustomErrorResponses",
        "Comment",
        "PriceClass",
        "Enabled",
        "ViewerCertificate",
        "Restrictions",
        "WebACLId",
        "HttpVersion",
        "IsIPV6Enabled",
        "Staging",
    ];
    let items = world.cloudfront.distributions.values().map(|d| {
        let mut item = json!({
            "Id": d.id,
            "ARN": d.arn,
            "ETag": d.etag,
            "Status": status(world, d),
            "LastModifiedTime": iso(d.modified),
            "DomainName": d.domain,
        });
        shown.iter().for_each(|key| item[*key] = d.config[*key].clone());
        (d.id.clone(), item)
    });
    Ok(Reply::xml("DistributionList", page(call, "DistributionSummary", items.collect())))
}

/// The whole configuration is replaced; what is left out falls back to its default.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let mut distribution = find(world, call)?;
    check_version(call, &distribution.etag)?;
    let config = config::complete(world, &call.input)?;
    if config["CallerReference"] != distribution.config["CallerReference"] {
        return Err(Fault::new("IllegalUpdate", "The update contains modifications that are not allowed: CallerReference."));
    }
    check_aliases(world, &config, Some(&distribution.id))?;
    distribution.config = config;
    distribution.etag = new_id(world);
    distribution.modified = world.now;
    let roll_out =
        if distribution.config["Enabled"] == "false" { latency::DISTRIBUTION_DISABLED } else { latency::DISTRIBUTION_DEPLOYED };
    distribution.deployed_at = world.now + roll_out.of(world, &distribution.etag);
    let reply = answer(world, &distribution);
    world.cloudfront.distributions.insert(distribution.id.clone(), distribution);
    Ok(reply)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let distribution = find(world, call)?;
    check_version(call, &distribution.etag)?;
    if distribution.config["Enabled"] != "false" || status(world, &distribution) != "Deployed" {
        return Err(Fault::new(
            "DistributionNotDisabled",
            "The specified CloudFront distribution is not disabled. You must disable the distribution before you can delete it.",
        )
        .status(409));
    }
    world.cloudfront.distributions.remove(&distribution.id);
    world.cloudfront.invalidations.retain(|_, invalidation| invalidation.distribution != distribution.id);
    Ok(Reply::empty(204))
}
