//! Plants of what runs, and of whom it runs as.

use aws_sdk_ecs::types::{AwsVpcConfiguration, Compatibility, ContainerDefinition, NetworkConfiguration, NetworkMode};

use super::console::{Console, Mark, Plant, Way, never, stands, tags};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

pub(super) async fn iam(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let mut plants = Vec::new();
    let kind = "iam.role";
    if mark.way == Way::Index {
        plants.extend(never(&[kind], "the Tagging API never returns roles"));
    } else {
        let make = at.iam.create_role().role_name(mark.name(kind)).assume_role_policy_document(TRUST);
        let made = make.set_tags(tags!(strict aws_sdk_iam, mark, kind)).send().await.unwrap();
        plants.push(stands(kind, made.role().unwrap().role_name()));
    }
    let kind = "iam.oidc-provider";
    if mark.way == Way::Name {
        plants.extend(never(&[kind], "the account shares the one of a URL: without our tags it is not ours"));
    } else {
        let make = at.iam.create_open_id_connect_provider().url("https://tokens.example.com").client_id_list("sts.amazonaws.com");
        let made = make.set_tags(tags!(strict aws_sdk_iam, mark, kind)).send().await.unwrap();
        plants.push(stands(kind, made.open_id_connect_provider_arn().unwrap()));
    }
    plants
}

pub(super) async fn ecs(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let kind = "ecs.cluster";
    let make = at.ecs.create_cluster().cluster_name(mark.name(kind)).set_tags(tags!(aws_sdk_ecs, mark, kind));
    let made = make.send().await.unwrap();
    let mut plants = vec![stands(kind, made.cluster().unwrap().cluster_name().unwrap())];

    let kind = "ecs.task-definition";
    let register = |family: String| {
        let container = ContainerDefinition::builder().name("it").image("busybox:1.37").essential(true).build();
        let register = at.ecs.register_task_definition().family(family).requires_compatibilities(Compatibility::Fargate);
        register.network_mode(NetworkMode::Awsvpc).cpu("256").memory("512").container_definitions(container)
    };
    let made = register(mark.name(kind)).set_tags(tags!(aws_sdk_ecs, mark, kind)).send().await.unwrap();
    let definition = made.task_definition().unwrap();
    // Revisions are what carries tags; a family is only their name.
    let id = if mark.way == Way::Index { definition.task_definition_arn() } else { definition.family() };
    plants.push(stands(kind, id.unwrap()));

    plants.extend(never(&["ecs.rollout"], "it is another view of its service"));
    plants.extend(never(&["ecs.job"], "it is a mark on its task definition"));
    let kind = "ecs.service";
    if mark.way == Way::Name {
        plants.extend(never(&[kind], "a service is named within its cluster: it is found as what is in the way of ours"));
        return plants;
    }
    let (_, subnets) = at.default_network().await;
    at.ecs.create_cluster().cluster_name("strangers").send().await.unwrap();
    // Until it is ACTIVE.
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    register("strangers".to_owned()).send().await.unwrap();
    let network = AwsVpcConfiguration::builder().set_subnets(Some(subnets.to_vec())).build().unwrap();
    let make = at.ecs.create_service().cluster("strangers").service_name(mark.name(kind)).task_definition("strangers");
    let make = make.network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build());
    let make = make.launch_type(aws_sdk_ecs::types::LaunchType::Fargate).desired_count(0);
    let made = make.set_tags(tags!(aws_sdk_ecs, mark, kind)).send().await.unwrap();
    plants.push(stands(kind, made.service().unwrap().service_arn().unwrap()));
    plants
}

pub(super) async fn servicediscovery(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let kind = "servicediscovery.namespace";
    let name = mark.name(kind);
    let make = at.servicediscovery.create_http_namespace().name(&name);
    make.set_tags(tags!(strict aws_sdk_servicediscovery, mark, kind)).send().await.unwrap();
    vec![stands(kind, name)]
}

pub(super) async fn logs(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let kind = "logs.group";
    let name = mark.name(kind);
    let make = at.logs.create_log_group().log_group_name(&name);
    let make = mark.tags(kind).into_iter().fold(make, |make, (key, value)| make.tags(key, value));
    make.send().await.unwrap();
    vec![stands(kind, name)]
}
