//! OIDC provider: an identity provider, such as GitHub Actions, whose tokens the account accepts.
//!
//! There can be one for each URL in an account, so several stacks share it: whoever has its tags on it owns it, everybody else only uses it.
//! The ARN follows from the URL, so nothing is listed. Source: IAM API Reference, `CreateOpenIDConnectProvider`; `aws-behaviours` 4.4.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Aws, IntoCallError, OidcProviderArn, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// With `https://`, without a slash at the end.
    pub url: String,
    /// Client ids (audiences); a set.
    pub clients: Vec<String>,
}

impl OidcProvider {
    pub const ARN: Output<OidcProviderArn> = Output::known("arn");
}

impl Kind for OidcProvider {
    type Cx = Aws;
    const NAME: &'static str = "iam.oidc-provider";
    const TRAITS: Traits = Traits {
        fixed: &["url"],
        typical_ready: Duration::from_secs(5),
        patience: Duration::from_secs(2 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let wanted: BTreeMap<String, &NodeName> =
            scan.wanted.iter().filter_map(|(node, shape)| shape["url"].as_str().map(|url| (arn_of(cx, url), node))).collect();
        // The index finds what neither the state nor the desired graph knows any more; it is shared with the kinds of CloudFront.
        let index = cx.global_tag_index(scan.round, &scan.stack).await?;
        let listed = index.keys().filter(|arn| arn.contains(":oidc-provider/"));
        let arns: BTreeSet<&String> = wanted.keys().chain(scan.known.values()).chain(listed).collect();
        let found = try_join_all(arns.iter().map(|arn| get(cx, arn))).await?;
        let ours = found.into_iter().flatten().filter_map(|live| {
            let tagged = tagged(&scan.stack, &live);
            let owned = tagged.is_some();
            let node = tagged.or_else(|| wanted.get(&live.id).map(|node| (*node).clone()))?;
            Some(Live { node, owned, ..live })
        });
        Ok(ours.collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let found = get(cx, id).await?;
        Ok(found.map(|live| Live { node: node.clone(), owned: tagged(stack, &live).is_some(), ..live }))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "iam:CreateOpenIDConnectProvider";
        let arn = arn_of(cx, &self.url);
        door.call(operation, || async {
            // No thumbprint: IAM checks the certificate against its own library of authorities.
            let sent = cx
                .iam
                .create_open_id_connect_provider()
                .url(&self.url)
                .set_client_id_list(Some(self.clients.clone()))
                .set_tags(Some(tags::list(&door.tags())))
                .send()
                .await
                .call(operation);
            match sent {
                Ok(_) => Ok(Live { node: door.node().clone(), tags: door.tags(), owned: true, ..of(&arn, self.clone()) }),
                // Made between the scan and now: ours by its tags or somebody else's, fit for use in either case.
                Err(error) if error.class == Class::AlreadyExists => {
                    let found = Self::read(cx, door.stack(), door.node(), &arn).await?;
                    found.ok_or(CallError { class: Class::NotVisibleYet, ..error })
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if !live.owned {
            return Ok(live.clone());
        }
        if changed.has("clients") {
            for client in self.clients.iter().filter(|client| !live.shape.clients.contains(client)) {
                let operation = "iam:AddClientIDToOpenIDConnectProvider";
                let add = || cx.iam.add_client_id_to_open_id_connect_provider();
                door.call(operation, || async {
                    add().open_id_connect_provider_arn(&live.id).client_id(client).send().await.call(operation)
                })
                .await?;
            }
            for client in live.shape.clients.iter().filter(|client| !self.clients.contains(client)) {
                let operation = "iam:RemoveClientIDFromOpenIDConnectProvider";
                let remove = || cx.iam.remove_client_id_from_open_id_connect_provider();
                door.call(operation, || async {
                    remove().open_id_connect_provider_arn(&live.id).client_id(client).send().await.call(operation)
                })
                .await?;
            }
        }
        if changed.tags() {
            let operation = "iam:TagOpenIDConnectProvider";
            let tag = || cx.iam.tag_open_id_connect_provider().set_tags(Some(tags::list(&door.tags())));
            door.call(operation, || async { tag().open_id_connect_provider_arn(&live.id).send().await.call(operation) }).await?;
        }
        Ok(live.with(self))
    }

    /// Only with the stack's tags on it; somebody else's is left as it is, also when this stack was told to use it.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if !live.owned {
            return Ok(Gone::Yes);
        }
        let operation = "iam:DeleteOpenIDConnectProvider";
        let delete = || cx.iam.delete_open_id_connect_provider().open_id_connect_provider_arn(&live.id);
        ownership::gone(door.call(operation, || async { delete().send().await.call(operation) }).await)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match field {
            "clients" => document::same_set(desired, live),
            "url" => desired.as_str().map(host) == live.as_str().map(host),
            _ => desired == live,
        }
    }
}

/// The node that its tags name: only they make it this stack's, because the id is the same for everybody.
fn tagged(stack: &Stack, live: &Live<OidcProvider>) -> Option<NodeName> {
    stack.node_of(&live.tags).filter(|node| node.kind() == OidcProvider::NAME)
}

fn host(url: &str) -> &str {
    url.trim_start_matches("https://").trim_end_matches('/')
}

fn arn_of(cx: &Aws, url: &str) -> String {
    format!("arn:{}:iam::{}:oidc-provider/{}", cx.partition, cx.account, host(url))
}

async fn get(cx: &Aws, arn: &str) -> Result<Option<Live<OidcProvider>>, CallError> {
    let request = cx.iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn);
    let Some(reply) = ownership::found(request.send().await.call("iam:GetOpenIDConnectProvider"))? else { return Ok(None) };
    let url = format!("https://{}", host(reply.url().unwrap_or_default()));
    let shape = OidcProvider { url, clients: reply.client_id_list().to_vec() };
    Ok(Some(Live { tags: tags::read(reply.tags()), ..of(arn, shape) }))
}

/// Node, tags and owner are put in by the caller.
fn of(arn: &str, shape: OidcProvider) -> Live<OidcProvider> {
    Live {
        id: arn.to_owned(),
        node: NodeName::new(OidcProvider::NAME, host(&shape.url)),
        outputs: BTreeMap::from([("arn".to_owned(), arn.to_owned())]),
        shape,
        ready: Ready::Yes,
        tags: BTreeMap::new(),
        owned: false,
        untold: Vec::new(),
    }
}
