//! `[volumes.…]`: named volumes on Amazon EFS.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cx, names};
use crate::{problem::Problem, project::Volume, service::Service, settings::VolumeSettings, suggest::did_you_mean};

/// Who owns the files when nobody says so: the first user of most systems, and of many images.
const OWNER: u32 = 1000;

/// The volumes that are kept, by what compose mounts. One that is declared wrongly is among them: it has a problem of its own.
pub(super) fn kept(cx: &mut Cx<'_>) -> BTreeMap<String, String> {
    let settings = cx.settings;
    for (name, volume) in &settings.volumes {
        let key = cx.document.key(&["volumes", name]);
        cx.problems.extend(names::volume(name, &key));
        if volume.storage.is_none() {
            cx.problems.push(
                Problem::at(&key, "missing-key", format!("[volumes.{name}] does not say where the data is kept"))
                    .help("storage = \"efs\": on a file system of its own in Amazon EFS"),
            );
        }
        for (id, value) in [("uid", volume.uid), ("gid", volume.gid)].into_iter().filter(|(_, value)| *value == Some(0)) {
            let place = cx.document.value(&["volumes", name, id]);
            cx.problems.push(
                Problem::at(
                    &place,
                    "bad-value",
                    format!("{id} {} is root's, and nobody is root on the volume", value.unwrap_or(0)),
                )
                .label("root of a container has no rights there that others lack")
                .help(format!("write the number that the program runs as, for example {id} = 999, or leave it out")),
            );
        }
    }
    let mounted = |(name, volume): (&String, &VolumeSettings)| (volume.bind.as_ref().unwrap_or(name).clone(), name.clone());
    settings.volumes.iter().map(mounted).collect()
}

/// The volumes, with who owns their files.
pub(super) fn read(cx: &mut Cx<'_>, services: &[Service], jobs: &[Service]) -> BTreeMap<String, Volume> {
    let settings = cx.settings;
    let users = |name: &str| -> Vec<&Service> {
        let mounts = |service: &&Service| service.volumes.iter().any(|mount| mount.volume == name);
        services.iter().chain(jobs).filter(mounts).collect()
    };
    let mut volumes = BTreeMap::new();
    for (name, volume) in &settings.volumes {
        let users = users(name);
        if users.is_empty() {
            let mounted: BTreeSet<&str> =
                services.iter().chain(jobs).flat_map(|service| &service.volumes).map(|mount| mount.volume.as_str()).collect();
            let place = cx.document.key(&["volumes", name]);
            cx.problems.push(
                Problem::at(&place, "unknown-volume", format!("no deployed service mounts a volume `{name}`")).help(
                    match &volume.bind {
                        Some(path) => format!("`bind` is the path as compose has it, and none is `{path}`"),
                        None => did_you_mean(name, mounted),
                    },
                ),
            );
        }
        volumes.insert(name.clone(), owned(name, volume, &users));
    }
    volumes
}

fn owned(name: &str, settings: &VolumeSettings, users: &[&Service]) -> Volume {
    let said: BTreeSet<(u32, Option<u32>)> = users.iter().filter_map(|service| number(service.user.as_deref()?)).collect();
    // Those who are told to run as different users have no owner in common.
    let said = said.first().copied().filter(|(uid, _)| said.len() == 1 && *uid != 0);
    let uid = settings.uid.or(said.map(|(uid, _)| uid)).unwrap_or(OWNER);
    let gid = settings.gid.or(said.and_then(|(_, gid)| gid).filter(|gid| *gid != 0)).unwrap_or(uid);
    Volume { name: name.to_owned(), uid, gid, backup: settings.backup }
}

/// `user` of compose, where it is made of numbers: `1000` or `1000:1000`.
fn number(user: &str) -> Option<(u32, Option<u32>)> {
    let (uid, gid) = user.split_once(':').map_or((user, None), |(uid, gid)| (uid, Some(gid)));
    Some((uid.parse().ok()?, gid.and_then(|gid| gid.parse().ok())))
}
