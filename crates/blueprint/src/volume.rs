//! Named volumes on EFS: a file system for each, a mount target in each zone in which its tasks may run, and the one way in.

use std::collections::BTreeMap;

use landing_aws::ecs;
use landing_aws::efs::{AccessPoint, FileSystem, MountTarget};
use landing_engine::{NodeName, Ref};
use landing_project::{Service, VolumeMount};
use serde_json::{Value, json};

use crate::Draft;
use crate::network::{self, Network, Side};
use crate::security::Groups;

pub(crate) struct Volume {
    file_system: NodeName,
    access_point: NodeName,
    /// What must be usable before a task can mount it.
    pub(crate) ways: Vec<NodeName>,
}

/// By compose name.
pub(crate) type Volumes = BTreeMap<String, Volume>;

/// The folder that is mounted. A file system's own root is root's, and stays so.
const FOLDER: &str = "/data";

pub(crate) fn draw(draft: &mut Draft<'_>, network: &Network, groups: &Groups) -> Volumes {
    let project = draft.project;
    let mut volumes = Volumes::new();
    for volume in project.volumes.values() {
        let name = &volume.name;
        let shape = FileSystem {
            encrypted: true,
            performance: "generalPurpose".into(),
            throughput: "elastic".into(),
            guarded: true,
            backup: volume.backup,
        };
        let file_system = draft.graph.add(name, &shape);
        let shape = AccessPoint {
            file_system: FileSystem::ID.of(&file_system).when_usable(),
            path: FOLDER.into(),
            uid: volume.uid.into(),
            gid: volume.gid.into(),
            permissions: "0755".into(),
        };
        let access_point = draft.graph.add(name, &shape);
        let mut ways = vec![file_system.clone(), access_point.clone()];
        for (letter, subnet) in network.by_zone(side(draft, name)) {
            let shape =
                MountTarget { file_system: FileSystem::ID.of(&file_system).when_usable(), subnet, groups: groups.volume(name) };
            ways.push(draft.graph.add(&format!("{name}-{letter}"), &shape));
        }
        volumes.insert(name.clone(), Volume { file_system, access_point, ways });
    }
    volumes
}

/// A zone has one mount target, which all its subnets can reach. It stands with the private tasks when there are any.
fn side(draft: &Draft<'_>, volume: &str) -> Side {
    let project = draft.project;
    let mut users = project.services.iter().chain(&project.jobs).filter(|service| mounts(service, volume));
    let private = users.any(|service| network::side(service, project.network.nat) == Side::Private);
    if private { Side::Private } else { Side::Public }
}

pub(crate) fn mounts(service: &Service, volume: &str) -> bool {
    service.volumes.iter().any(|mount| mount.volume == volume)
}

/// What a task definition says of the volumes of its service.
pub(crate) fn mounted(service: &Service, volumes: &Volumes) -> Vec<ecs::Volume> {
    let mount = |mount: &VolumeMount| {
        let volume = &volumes[&mount.volume];
        ecs::Volume {
            name: mount.volume.clone(),
            path: mount.target.clone(),
            read_only: mount.read_only,
            // When one is replaced, the next revision names the new one; the family stays.
            file_system: FileSystem::ID.of(&volume.file_system).only_at_first(),
            access_point: AccessPoint::ID.of(&volume.access_point).only_at_first(),
            as_task_role: true,
        }
    };
    service.volumes.iter().map(mount).collect()
}

/// What the task's role must allow: to mount, by the access point alone, and to write unless all that is mounted is read-only.
pub(crate) fn statements(service: &Service, volumes: &Volumes) -> Vec<Value> {
    let mut writes: BTreeMap<&str, bool> = BTreeMap::new();
    for mount in &service.volumes {
        *writes.entry(&mount.volume).or_default() |= !mount.read_only;
    }
    let statement = |(name, writes): (&str, bool)| {
        let Volume { file_system, access_point, .. } = &volumes[name];
        let mut actions = vec!["elasticfilesystem:ClientMount"];
        actions.extend(writes.then_some("elasticfilesystem:ClientWrite"));
        let resource: Ref<String> = FileSystem::ARN.of(file_system).text();
        json!({
            "Effect": "Allow",
            "Action": actions,
            "Resource": resource,
            "Condition": { "StringEquals": { "elasticfilesystem:AccessPointArn": AccessPoint::ARN.of(access_point).text() } },
        })
    };
    writes.into_iter().map(statement).collect()
}
