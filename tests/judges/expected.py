"""The reference stack as this judge was told it, by the example's compose file and `landing.toml`: written down by hand, taken from no code."""

PROJECT, ENV, PREFIX, REGION = "pulse", "dev", "pulse-dev", "us-west-2"

VPC = "10.0.0.0/16"
PUBLIC = {"10.0.0.0/24", "10.0.1.0/24"}
PRIVATE = {"10.0.10.0/24", "10.0.11.0/24"}

SERVICES = (
    "delivery_worker", "dispatcher", "evaluator_iot", "ingest_iot", "keycloak", "mqtt", "ops_worker", "provision_api",
    "subscription_worker", "ui_iot", "webhook_receiver",
)
JOBS = ("migrate",)
TASKS = tuple(sorted(SERVICES + JOBS))

# cpu and MiB; everything else has 256 and 512.
SIZES = {"ui_iot": (512, 1024), "keycloak": (1024, 2048)}
PORTS = {"ui_iot": {8080}, "provision_api": {8080}, "webhook_receiver": {8080}, "keycloak": {8080}, "evaluator_iot": {8080},
         "mqtt": {1883, 8883}}

# Who opens connections to whom, by the host names in the compose file's environment.
BROKER_CLIENTS = {"ui_iot", "provision_api", "ingest_iot", "evaluator_iot", "dispatcher", "delivery_worker", "ops_worker",
                  "subscription_worker"}
CALLED = {"mqtt": BROKER_CLIENTS, "keycloak": {"ui_iot"}, "webhook_receiver": {"delivery_worker"}}

# What may come in, as (port, from); `sg:` is the group of that name.
ANYWHERE = "0.0.0.0/0"
INBOUND = {
    "alb": {(80, ANYWHERE), (443, ANYWHERE)},
    "nlb": {(1883, ANYWHERE), (8883, ANYWHERE)},
    "ui_iot": {(8080, "sg:alb")},
    "provision_api": {(8080, "sg:alb")},
    "webhook_receiver": {(8080, "sg:alb"), (8080, "sg:delivery_worker")},
    "keycloak": {(8080, "sg:alb"), (9000, "sg:alb"), (8080, "sg:ui_iot")},
    "mqtt": {(port, f"sg:{client}") for port in (1883, 8883) for client in BROKER_CLIENTS | {"nlb"}},
    "keycloak-database": {(5432, "sg:keycloak")},
    "ingest_iot": set(), "evaluator_iot": set(), "dispatcher": set(), "delivery_worker": set(), "ops_worker": set(),
    "subscription_worker": set(), "migrate": set(),
}
# What may go out, as (port, to); None is every port. Tasks may go anywhere, everything else only where it must.
OUTBOUND = {
    "alb": {(8080, VPC), (9000, VPC)},
    "nlb": {(1883, VPC), (8883, VPC)},
    "keycloak-database": set(),
    **{task: {(None, ANYWHERE)} for task in TASKS},
}

# Environment variable → (secret, key in it); `rds` is what RDS makes for Keycloak's database.
DATABASE = {"DATABASE_URL": ("timescale-url", None)}
BROKER = {"MQTT_USERNAME": ("mqtt-creds", "username"), "MQTT_PASSWORD": ("mqtt-creds", "password")}
SECRETS = {
    "webhook_receiver": DATABASE,
    "migrate": DATABASE,
    "mqtt": BROKER,
    "keycloak": {
        "KC_DB_USERNAME": ("rds", "username"), "KC_DB_PASSWORD": ("rds", "password"),
        "KC_BOOTSTRAP_ADMIN_USERNAME": ("keycloak-admin", "username"), "KC_BOOTSTRAP_ADMIN_PASSWORD": ("keycloak-admin", "password"),
    },
    **{task: {**DATABASE, **BROKER} for task in (
        "ui_iot", "provision_api", "ingest_iot", "evaluator_iot", "dispatcher", "delivery_worker", "ops_worker", "subscription_worker")},
}

# Behind the application load balancer: path patterns, and health check as (path, port).
PATHS = {"ui_iot": {"/api/*", "/ingest/*"}, "provision_api": {"/provision/*"}, "webhook_receiver": {"/webhook/*"}, "keycloak": {"/auth/*"}}
DEFAULT_SERVICE = "ui_iot"
HEALTH = {
    "ui_iot": ("/api/v2/health", "traffic-port"), "provision_api": ("/health", "traffic-port"),
    "webhook_receiver": ("/health", "traffic-port"), "keycloak": ("/auth/health/ready", "9000"),
}


def with_base(paths):
    """AWS does not match `/auth` by `/auth/*`, people do."""
    return paths | {path.removesuffix("/*") for path in paths}


# CloudFront's managed policies, by their names in AWS's documentation.
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"

# The browser's files: type, and whether the name has a hash, so that a browser may keep it for a year.
FILES = {
    "index.html": ("text/html; charset=utf-8", False),
    "assets/app-7ea3a983.js": ("text/javascript; charset=utf-8", True),
    "assets/style-72f92d23.css": ("text/css; charset=utf-8", True),
}
FOR_A_YEAR = "public, max-age=31536000, immutable"

SUBJECT = "repo:example-org/pulse:ref:refs/heads/main"
