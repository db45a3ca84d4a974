//! The services, one module each. A module owns its part of the world and exposes
//! `handle` (one call), `advance` (time has passed), `objects` (what exists) and `tagged` (ARN → tags, for the Tagging API).

pub(crate) mod cloudfront;
pub(crate) mod ec2;
pub(crate) mod ecr;
pub(crate) mod ecs;
pub(crate) mod efs;
pub(crate) mod elbv2;
pub(crate) mod failures;
pub(crate) mod iam;
pub(crate) mod logs;
pub(crate) mod network;
pub(crate) mod quotas;
pub(crate) mod rds;
pub(crate) mod s3;
pub(crate) mod secretsmanager;
pub(crate) mod servicediscovery;
pub(crate) mod sts;
pub(crate) mod tagging;

use std::collections::BTreeSet;

use crate::call::Call;
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

/// Told by its name: it changes nothing.
pub(crate) fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "Head", "BatchGet", "Filter"].iter().any(|prefix| operation.starts_with(prefix))
}

/// What a service does with one call at the world's present time.
pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.service {
        "ec2" => ec2::handle(world, call),
        "iam" => iam::handle(world, call),
        "sts" => sts::handle(world, call),
        "elbv2" => elbv2::handle(world, call),
        "rds" => rds::handle(world, call),
        "ecs" => ecs::handle(world, call),
        "efs" => efs::handle(world, call),
        "ecr" => ecr::handle(world, call),
        "secretsmanager" => secretsmanager::handle(world, call),
        "logs" => logs::handle(world, call),
        "servicediscovery" => servicediscovery::handle(world, call),
        "tagging" => tagging::handle(world, call),
        "s3" => s3::handle(world, call),
        "cloudfront" => cloudfront::handle(world, call),
        other => Err(Fault::unknown_operation(other, &call.operation)),
    }
}

/// The operation's name of a REST request, from method, path and query.
pub(crate) fn rest_operation(service: &str, method: &str, call: &Call) -> String {
    match service {
        "s3" => s3::operation(method, call),
        "efs" => efs::operation(method, call),
        _ => cloudfront::operation(method, call),
    }
}

/// Lets everything whose time has come happen: ghosts vanish, deletions finish, interfaces are freed.
pub(crate) fn advance(world: &mut World) {
    ecs::advance(world);
    efs::advance(world);
    elbv2::advance(world);
    rds::advance(world);
    cloudfront::advance(world);
    secretsmanager::advance(world);
    servicediscovery::advance(world);
    ec2::advance(world);
}

pub(crate) fn objects(world: &World) -> BTreeSet<String> {
    [
        ec2::objects(world),
        iam::objects(world),
        elbv2::objects(world),
        rds::objects(world),
        ecs::objects(world),
        efs::objects(world),
        ecr::objects(world),
        secretsmanager::objects(world),
        logs::objects(world),
        servicediscovery::objects(world),
        s3::objects(world),
        cloudfront::objects(world),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// ARN and tags of everything that the Tagging API of the home region returns, but for what is long gone and still listed.
pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    [
        ec2::tagged(world),
        elbv2::tagged(world),
        rds::tagged(world),
        ecs::tagged(world),
        efs::tagged(world),
        ecr::tagged(world),
        secretsmanager::tagged(world),
        logs::tagged(world),
        servicediscovery::tagged(world),
        s3::tagged(world),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The same for us-east-1, where global objects are listed.
pub(crate) fn tagged_global(world: &World) -> Vec<(String, Tags)> {
    [cloudfront::tagged(world), iam::tagged(world)].into_iter().flatten().collect()
}
