//! Volumes of a task definition, to the SDK's shape and back: the file systems that are mounted, and where.
//!
//! Source: ECS API Reference, `EFSVolumeConfiguration`, `MountPoint`; `aws-behaviours` 19.

use aws_sdk_ecs::types::{
    EfsAuthorizationConfig, EfsAuthorizationConfigIam, EfsTransitEncryption, EfsVolumeConfiguration, MountPoint,
    Volume as Declared,
};
use landing_engine::Ref;

use super::Volume;

/// Each file system once, however many paths it is mounted at.
pub(super) fn declared(volumes: &[Volume]) -> Option<Vec<Declared>> {
    let mut declared: Vec<Declared> = Vec::new();
    for volume in volumes {
        if !declared.iter().any(|other| other.name() == Some(volume.name.as_str())) {
            declared.push(Declared::builder().name(&volume.name).efs_volume_configuration(configuration(volume)).build());
        }
    }
    (!declared.is_empty()).then_some(declared)
}

fn configuration(volume: &Volume) -> EfsVolumeConfiguration {
    let access_point = EfsAuthorizationConfig::builder().access_point_id(volume.access_point.get().as_str());
    let access_point = access_point.set_iam(volume.as_task_role.then_some(EfsAuthorizationConfigIam::Enabled)).build();
    EfsVolumeConfiguration::builder()
        .file_system_id(volume.file_system.get().as_str())
        .transit_encryption(EfsTransitEncryption::Enabled)
        .authorization_config(access_point)
        .build()
        .expect("the file system is set")
}

pub(super) fn mounted(volumes: &[Volume]) -> Option<Vec<MountPoint>> {
    let point = |volume: &Volume| {
        MountPoint::builder().source_volume(&volume.name).container_path(&volume.path).read_only(volume.read_only).build()
    };
    (!volumes.is_empty()).then(|| volumes.iter().map(point).collect())
}

/// What a registered revision mounts; a volume that is none of EFS names no file system.
pub(super) fn of(declared: &[Declared], mounted: &[MountPoint]) -> Vec<Volume> {
    let volume = |point: &MountPoint| {
        let name = point.source_volume().unwrap_or_default();
        let configuration = declared.iter().find(|volume| volume.name() == Some(name));
        let configuration = configuration.and_then(Declared::efs_volume_configuration);
        let access = configuration.and_then(EfsVolumeConfiguration::authorization_config);
        let encrypted =
            configuration.and_then(EfsVolumeConfiguration::transit_encryption) == Some(&EfsTransitEncryption::Enabled);
        let by_role = access.and_then(EfsAuthorizationConfig::iam) == Some(&EfsAuthorizationConfigIam::Enabled);
        Volume {
            name: name.to_owned(),
            path: point.container_path().unwrap_or_default().to_owned(),
            read_only: point.read_only().unwrap_or(false),
            file_system: Ref::value(configuration.map_or("", EfsVolumeConfiguration::file_system_id).into()),
            access_point: Ref::value(access.and_then(EfsAuthorizationConfig::access_point_id).unwrap_or_default().into()),
            as_task_role: encrypted && by_role,
        }
    };
    mounted.iter().map(volume).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::ecs) fn sample(name: &str, path: &str) -> Volume {
        Volume {
            name: name.into(),
            path: path.into(),
            read_only: path != "/data",
            file_system: Ref::value("fs-1".into()),
            access_point: Ref::value("fsap-1".into()),
            as_task_role: true,
        }
    }

    #[test]
    fn a_file_system_that_is_mounted_twice_is_declared_once() {
        let volumes = [sample("data", "/data"), sample("data", "/more"), sample("logs", "/logs")];
        let names: Vec<_> = declared(&volumes).unwrap().iter().filter_map(|it| it.name().map(str::to_owned)).collect();
        assert_eq!(names, ["data", "logs"]);
        assert_eq!(declared(&[]), None);
    }
}
