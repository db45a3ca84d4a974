//! Cluster: what services and tasks run in. It has no hosts; Fargate brings them.
//!
//! Known by its name. `CreateCluster` on a name that is there answers with the old cluster as if it had made it, so we look first.
//! Source: ECS API Reference, `CreateCluster`, `UpdateClusterSettings`; `aws-behaviours` 9.1.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types::{Cluster as Reply, ClusterSetting, ClusterSettingName};
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::readings;
use crate::{Aws, ClusterName, IntoCallError, logs, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    pub name: String,
    /// Container Insights: `enabled`, `disabled` or `enhanced`.
    pub insights: String,
}

impl Cluster {
    pub const NAME: Output<ClusterName> = Output::held("name");
    pub const ARN: Output<String> = Output::known("arn");
}

impl Kind for Cluster {
    type Cx = Aws;
    const NAME: &'static str = "ecs.cluster";
    const TRAITS: Traits = Traits { fixed: &["name"], typical_ready: Duration::from_secs(2), ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let listed = readings::clusters(cx, scan).await?;
        let missing = |name: &str| !listed.iter().any(|cluster| cluster.cluster_name() == Some(name));
        let mut names: Vec<String> = ownership::wanted(scan, "name").map(str::to_owned).collect();
        names.extend(scan.known.values().cloned());
        names.retain(|name| missing(name));
        names.sort();
        names.dedup();
        let others = readings::describe_clusters(cx, &names).await?;
        Ok(listed
            .iter()
            .chain(&others)
            .filter_map(|cluster| {
                let live = of(cluster);
                ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live })
            })
            .collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ecs:CreateCluster";
        let send = || async {
            if get(cx, &self.name).await?.is_some() {
                return Err(CallError::new(Class::AlreadyExists, operation, format!("{} is there", self.name)));
            }
            let request = cx.ecs.create_cluster().cluster_name(&self.name).settings(self.setting());
            let reply = request.set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)?;
            let cluster = reply.cluster.unwrap_or_else(|| Reply::builder().cluster_name(&self.name).build());
            // The reply to a create need not repeat the tags that it was sent.
            Ok(Live { tags: door.tags(), ..of(&cluster) })
        };
        ownership::create(door, operation, &format!("the cluster {}", self.name), send, || get(cx, &self.name)).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("insights") {
            let operation = "ecs:UpdateClusterSettings";
            door.call(operation, || async {
                cx.ecs.update_cluster_settings().cluster(&live.id).settings(self.setting()).send().await.call(operation)
            })
            .await?;
        }
        if changed.tags() {
            readings::retag(cx, door, live.outputs.get("arn").map_or(&live.id, |arn| arn)).await?;
        }
        Ok(live.with(self))
    }

    /// AWS keeps a log group for Container Insights, which carries no tags of ours and outlives the cluster. It goes first: a run that ends in between finds the
    /// cluster and does it again.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        logs::delete_if_there(cx, door, &format!("/aws/ecs/containerinsights/{}/performance", live.id)).await?;
        let operation = "ecs:DeleteCluster";
        let call = || async { cx.ecs.delete_cluster().cluster(&live.id).send().await.call(operation) };
        let reply = ownership::found(door.call(operation, call).await)?;
        match reply.as_ref().and_then(|reply| reply.cluster()).and_then(Reply::status) {
            None => Ok(Gone::Absent),
            Some("INACTIVE") => Ok(Gone::Yes),
            Some(status) => Ok(Gone::NotYet(status.to_owned())),
        }
    }
}

impl Cluster {
    fn setting(&self) -> ClusterSetting {
        ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(&self.insights).build()
    }
}

async fn get(cx: &Aws, name: &str) -> Result<Option<Live<Cluster>>, CallError> {
    Ok(readings::describe_clusters(cx, &[name.to_owned()]).await?.first().map(of))
}

/// The node's name is put in by the caller.
fn of(cluster: &Reply) -> Live<Cluster> {
    let name = cluster.cluster_name().unwrap_or_default().to_owned();
    let insights = cluster.settings().iter().find(|setting| setting.name() == Some(&ClusterSettingName::ContainerInsights));
    Live {
        node: NodeName::new(<Cluster as Kind>::NAME, &name),
        outputs: BTreeMap::from([
            ("name".to_owned(), name.clone()),
            ("arn".to_owned(), cluster.cluster_arn().unwrap_or_default().to_owned()),
        ]),
        shape: Cluster {
            name: name.clone(),
            insights: insights.and_then(ClusterSetting::value).unwrap_or("disabled").to_owned(),
        },
        id: name,
        ready: match cluster.status() {
            Some("ACTIVE") => Ready::Yes,
            Some("FAILED") => Ready::Failed("FAILED".into()),
            status => Ready::NotYet(status.unwrap_or("PROVISIONING").to_owned()),
        },
        tags: tags::read(cluster.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
