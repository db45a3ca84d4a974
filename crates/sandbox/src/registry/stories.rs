//! What a client of a registry may rely on, spoken by hand over TCP.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::serve_registry;
use crate::services::ecr::images::digest_of;
use crate::{Call, Sandbox, World, services};

struct Client {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    address: SocketAddr,
    login: String,
}

struct Heard {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Heard {
    fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        format!("{} {}", self.status, body["errors"][0]["code"].as_str().unwrap_or_default())
    }
}

impl Client {
    async fn new() -> Self {
        let sandbox = Sandbox::new(World::new("us-west-2"), 1.0);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        tokio::spawn(serve_registry(sandbox.clone(), listener, folder.path()).unwrap());
        let login = base64::engine::general_purpose::STANDARD.encode("AWS:sandbox-password");
        let client = Self { folder, sandbox, address, login: format!("Basic {login}") };
        client.ecr("CreateRepository", json!({ "repositoryName": "shop/api" }));
        client
    }

    fn ecr(&self, operation: &str, input: Value) -> Value {
        let call = Call {
            service: "ecr",
            operation: operation.into(),
            input,
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            region: "us-west-2".into(),
        };
        self.sandbox.with_world(|world| services::handle(world, &call)).unwrap().body
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        let login = [("authorization", self.login.as_str())];
        let given = headers.iter().any(|(name, _)| *name == "authorization");
        for (name, value) in headers.iter().chain(login.iter().filter(|_| !given)) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Heard { status, headers, body: body.to_owned() }
    }

    async fn upload(&self, bytes: &str) -> String {
        let digest = digest_of(bytes.as_bytes());
        let heard = self.ask("POST", &format!("/v2/shop/api/blobs/uploads/?digest={digest}"), &[], bytes).await;
        assert_eq!(heard.status, 201, "{}", heard.body);
        digest
    }
}

fn manifest(config: &str, layer: &str) -> String {
    json!({ "schemaVersion": 2, "config": { "digest": config, "size": 6 }, "layers": [{ "digest": layer, "size": 5 }] })
        .to_string()
}

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

#[tokio::test]
async fn a_pushed_image_is_one_of_the_world_and_can_be_pulled() {
    let client = Client::new().await;
    let token = client.ecr("GetAuthorizationToken", json!({}));
    assert_eq!(token["authorizationData"][0]["proxyEndpoint"], format!("http://{}", client.address));
    assert_eq!(client.ask("GET", "/v2/", &[], "").await.status, 200);

    // In pieces, as podman does; then whole.
    let begun = client.ask("POST", "/v2/shop/api/blobs/uploads/", &[], "").await;
    let place = begun.headers["location"].clone();
    assert_eq!(begun.status, 202);
    assert_eq!(client.ask("PATCH", &place, &[("content-range", "0-2")], "lay").await.headers["range"], "0-2");
    assert_eq!(client.ask("PATCH", &place, &[("content-range", "7-9")], "xxx").await.code(), "416 BLOB_UPLOAD_INVALID");
    assert_eq!(client.ask("GET", &place, &[], "").await.headers["range"], "0-2");
    let layer = digest_of(b"layer");
    assert_eq!(client.ask("PUT", &format!("{place}?digest={layer}"), &[], "er").await.status, 201);
    let config = client.upload("config").await;
    let head = client.ask("HEAD", &format!("/v2/shop/api/blobs/{layer}"), &[], "").await;
    assert_eq!((head.status, head.headers["content-length"].as_str(), head.body.as_str()), (200, "5", ""));
    assert_eq!(client.ask("GET", &format!("/v2/shop/api/blobs/{layer}"), &[], "").await.body, "layer");

    let image = manifest(&config, &layer);
    let pushed = client.ask("PUT", "/v2/shop/api/manifests/v1", &[("content-type", OCI)], &image).await;
    assert_eq!((pushed.status, pushed.headers["docker-content-digest"].clone()), (201, digest_of(image.as_bytes())));
    assert_eq!(client.ask("PUT", "/v2/shop/api/manifests/v1", &[("content-type", OCI)], &image).await.status, 201, "again");
    let found = client.ecr("BatchGetImage", json!({ "repositoryName": "shop/api", "imageIds": [{ "imageTag": "v1" }] }));
    assert_eq!(found["images"][0]["imageId"]["imageDigest"], digest_of(image.as_bytes()));
    assert_eq!(found["images"][0]["imageManifestMediaType"], OCI);
    for reference in ["v1", &digest_of(image.as_bytes())] {
        let pulled = client.ask("GET", &format!("/v2/shop/api/manifests/{reference}"), &[], "").await;
        assert_eq!((pulled.body.as_str(), pulled.headers["content-type"].as_str()), (image.as_str(), OCI));
    }
    assert_eq!(client.ask("GET", "/v2/shop/api/tags/list", &[], "").await.body, r#"{"name":"shop/api","tags":["v1"]}"#);
    assert_eq!(std::fs::read_dir(client.folder.path()).unwrap().count(), 2, "a layer and a configuration");
    client.sandbox.with_world(|world| assert_eq!(world.mutations().len(), 2, "each push is a PutImage"));
    assert!(!client.sandbox.save().contains("127.0.0.1"), "where the registry was is nothing that a world keeps");
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_the_words_of_the_specification() {
    let client = Client::new().await;
    let nobody = [("authorization", "Basic bm9ib2R5Om5vdGhpbmc=")];
    let refused = client.ask("GET", "/v2/", &nobody, "").await;
    assert_eq!(refused.code(), "401 UNAUTHORIZED");
    assert!(refused.headers["www-authenticate"].starts_with("Basic "));
    assert_eq!(client.ask("POST", "/v2/shop/api/blobs/uploads/", &nobody, "").await.code(), "401 UNAUTHORIZED");
    assert_eq!(client.ask("POST", "/v2/shop/gone/blobs/uploads/", &[], "").await.code(), "404 NAME_UNKNOWN");
    assert_eq!(client.ask("PATCH", "/v2/shop/api/blobs/uploads/9", &[], "").await.code(), "404 BLOB_UPLOAD_UNKNOWN");
    let other = format!("/v2/shop/api/blobs/uploads/?digest={}", digest_of(b"other"));
    assert_eq!(client.ask("POST", &other, &[], "this").await.code(), "400 DIGEST_INVALID");
    assert_eq!(client.ask("HEAD", &format!("/v2/shop/api/blobs/{}", digest_of(b"x")), &[], "").await.status, 404);
    assert_eq!(client.ask("GET", "/v2/shop/api/manifests/v1", &[], "").await.code(), "404 MANIFEST_UNKNOWN");
    assert_eq!(client.ask("PUT", "/v2/shop/api/manifests/v1", &[], "no json").await.code(), "400 MANIFEST_INVALID");
    let config = client.upload("config").await;
    let image = manifest(&config, &digest_of(b"never sent"));
    assert_eq!(client.ask("PUT", "/v2/shop/api/manifests/v1", &[], &image).await.code(), "404 BLOB_UNKNOWN");
    let index = json!({ "manifests": [{ "digest": digest_of(b"gone") }] }).to_string();
    assert_eq!(client.ask("PUT", "/v2/shop/api/manifests/v1", &[], &index).await.code(), "404 MANIFEST_UNKNOWN");
    let by_digest = format!("/v2/shop/api/manifests/{}", digest_of(b"other"));
    assert_eq!(client.ask("PUT", &by_digest, &[], &manifest(&config, &config)).await.code(), "400 DIGEST_INVALID");
    assert_eq!(client.ask("DELETE", "/v2/shop/api/manifests/v1", &[], "").await.code(), "405 UNSUPPORTED");

    client.ecr("PutImageTagMutability", json!({ "repositoryName": "shop/api", "imageTagMutability": "IMMUTABLE" }));
    let layer = client.upload("layer").await;
    let (one, two) = (manifest(&config, &layer), manifest(&config, &config));
    assert_eq!(client.ask("PUT", "/v2/shop/api/manifests/v1", &[], &one).await.status, 201);
    assert_eq!(client.ask("PUT", "/v2/shop/api/manifests/v1", &[], &two).await.code(), "400 TAG_INVALID");
}
