//! All kinds of a program behind one type, shapes as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Moment;
use crate::door::Door;
use crate::error::{CallError, Class};
use crate::kind::{Changed, Gone, Kind, Live, Scan, Traits, Trouble};
use crate::node::NodeName;
use crate::stack::Stack;

pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, CallError>> + Send + 'a>>;

/// What AWS reports of one node, its shape as JSON.
pub type LiveNode = Live<Value>;

/// A [`Kind`] without its types; see there for what each method promises.
pub trait AnyKind: Send + Sync {
    fn name(&self) -> &'static str;
    fn traits(&self) -> &'static Traits;
    fn scan(&self, scan: Scan) -> Pending<'_, Vec<LiveNode>>;
    fn read<'a>(&'a self, stack: &'a Stack, node: &'a NodeName, id: &'a str) -> Pending<'a, Option<LiveNode>>;
    fn create<'a>(&'a self, shape: &'a Value, door: &'a Door<'a>) -> Pending<'a, LiveNode>;
    fn update<'a>(
        &'a self,
        shape: &'a Value,
        door: &'a Door<'a>,
        live: &'a LiveNode,
        changed: &'a Changed,
    ) -> Pending<'a, LiveNode>;
    fn delete<'a>(&'a self, door: &'a Door<'a>, live: &'a LiveNode) -> Pending<'a, Gone>;
    fn diagnose<'a>(&'a self, stack: &'a Stack, live: &'a LiveNode, since: Moment) -> Pending<'a, Option<Trouble>>;
    /// # Errors
    /// What is missing, and how to give it.
    fn preflight(&self, shape: &Value, changed: &Changed) -> Result<(), String>;
    fn same(&self, field: &str, desired: &Value, live: &Value) -> bool;
}

struct Erased<K: Kind> {
    cx: Arc<K::Cx>,
}

impl<K: Kind> AnyKind for Erased<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn traits(&self) -> &'static Traits {
        &K::TRAITS
    }

    fn scan(&self, scan: Scan) -> Pending<'_, Vec<LiveNode>> {
        Box::pin(async move { Ok(K::scan(&self.cx, &scan).await?.into_iter().map(untyped).collect()) })
    }

    fn read<'a>(&'a self, stack: &'a Stack, node: &'a NodeName, id: &'a str) -> Pending<'a, Option<LiveNode>> {
        Box::pin(async move { Ok(K::read(&self.cx, stack, node, id).await?.map(untyped)) })
    }

    fn create<'a>(&'a self, shape: &'a Value, door: &'a Door<'a>) -> Pending<'a, LiveNode> {
        Box::pin(async move { typed::<K>(shape)?.create(&self.cx, door).await.map(untyped) })
    }

    fn update<'a>(
        &'a self,
        shape: &'a Value,
        door: &'a Door<'a>,
        live: &'a LiveNode,
        changed: &'a Changed,
    ) -> Pending<'a, LiveNode> {
        Box::pin(async move {
            let before = typed_live::<K>(live)?;
            typed::<K>(shape)?.update(&self.cx, door, &before, changed).await.map(untyped)
        })
    }

    fn delete<'a>(&'a self, door: &'a Door<'a>, live: &'a LiveNode) -> Pending<'a, Gone> {
        Box::pin(async move { K::delete(&self.cx, door, &typed_live::<K>(live)?).await })
    }

    fn diagnose<'a>(&'a self, stack: &'a Stack, live: &'a LiveNode, since: Moment) -> Pending<'a, Option<Trouble>> {
        Box::pin(async move { K::diagnose(&self.cx, stack, &typed_live::<K>(live)?, since).await })
    }

    fn preflight(&self, shape: &Value, changed: &Changed) -> Result<(), String> {
        let typed: K = read_as(shape).map_err(|e| format!("its shape does not fit the kind: {e}"))?;
        typed.preflight(&self.cx, changed)
    }

    fn same(&self, field: &str, desired: &Value, live: &Value) -> bool {
        K::same(field, desired, live)
    }
}

fn untyped<K: Serialize>(live: Live<K>) -> LiveNode {
    let shape = serde_json::to_value(&live.shape).expect("shapes are plain data with string keys");
    Live {
        id: live.id,
        node: live.node,
        shape,
        outputs: live.outputs,
        ready: live.ready,
        tags: live.tags,
        owned: live.owned,
        untold: live.untold,
    }
}

fn typed<K: Kind>(shape: &Value) -> Result<K, CallError> {
    read_as(shape)
        .map_err(|e: serde_json::Error| CallError::new(Class::Invalid, K::NAME, format!("its shape does not fit the kind: {e}")))
}

fn typed_live<K: Kind>(live: &LiveNode) -> Result<Live<K>, CallError> {
    Ok(Live {
        id: live.id.clone(),
        node: live.node.clone(),
        shape: typed::<K>(&live.shape)?,
        outputs: live.outputs.clone(),
        ready: live.ready.clone(),
        tags: live.tags.clone(),
        owned: live.owned,
        untold: live.untold.clone(),
    })
}

fn read_as<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}

/// Fields that readings said nothing of, by kind.
pub type Untold = BTreeMap<String, BTreeSet<String>>;

/// The kinds that a program knows.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Arc<dyn AnyKind>>,
    doubts: bool,
}

impl Registry {
    #[must_use]
    pub fn with<K: Kind>(mut self, cx: &Arc<K::Cx>) -> Self {
        self.kinds.insert(K::NAME, Arc::new(Erased::<K> { cx: cx.clone() }));
        self
    }

    /// Whether what answers may leave out what AWS always tells. Then a fixed field that comes empty counts as untold: nothing is replaced for what nobody showed.
    #[must_use]
    pub fn doubting(self, doubts: bool) -> Self {
        Self { doubts, ..self }
    }

    /// Whether the reading says nothing of this field, so that there is nothing to compare.
    pub(crate) fn is_untold(&self, live: &LiveNode, field: &str) -> bool {
        let is_empty =
            |value: &Value| value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        let left_out = || self.of(&live.node).traits().fixed.contains(&field) && live.shape.get(field).is_none_or(is_empty);
        live.untold.contains(&field) || self.doubts && left_out()
    }

    /// The fields of these objects that nobody was told, by kind.
    pub fn untold<'a>(&self, lives: impl IntoIterator<Item = &'a LiveNode>) -> Untold {
        let mut untold = Untold::new();
        for live in lives {
            let fields = live.shape.as_object().into_iter().flatten().map(|(field, _)| field);
            for field in fields.filter(|field| self.is_untold(live, field)) {
                untold.entry(live.node.kind().to_owned()).or_default().insert(field.clone());
            }
        }
        untold
    }

    pub fn get(&self, kind: &str) -> Option<&Arc<dyn AnyKind>> {
        self.kinds.get(kind)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyKind>> {
        self.kinds.values()
    }

    /// The kind of a node of a checked graph or of a scan.
    pub(crate) fn of(&self, node: &NodeName) -> &dyn AnyKind {
        self.kinds.get(node.kind()).expect("graphs are checked against the registry, and scans come from it").as_ref()
    }
}
