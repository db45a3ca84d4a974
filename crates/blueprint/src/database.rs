//! Managed databases. RDS makes and keeps the password, and it never passes through us, unless it must stand in a URL.

use std::collections::BTreeMap;

use landing_aws::rds::{Instance, SubnetGroup};
use landing_aws::secretsmanager::Secret;
use landing_engine::NodeName;

use crate::Draft;
use crate::names::database_name;
use crate::network::{Network, Side};
use crate::secret::Secrets;
use crate::security::Groups;

/// By the database's name in `landing.toml`.
pub(crate) type Databases = BTreeMap<String, NodeName>;

pub(crate) fn draw(draft: &mut Draft<'_>, network: &Network, groups: &Groups, secrets: &Secrets) -> Databases {
    let mut nodes = Databases::new();
    if draft.project.databases.is_empty() {
        return nodes;
    }
    let subnets = draft.graph.add(
        "private",
        &SubnetGroup {
            name: format!("{}-private", draft.prefix).to_lowercase(),
            description: "Private subnets".into(),
            subnets: network.subnets(Side::Private),
        },
    );
    for database in draft.project.databases.values() {
        let instance = Instance {
            name: database_name(&draft.stack, &database.name),
            engine: database.engine.clone(),
            version: database.version.clone(),
            class: database.class.clone(),
            storage_gib: database.storage_gib as i32,
            // 0 is the kind's word for "may not grow".
            max_storage_gib: if database.max_storage_gib > database.storage_gib { database.max_storage_gib as i32 } else { 0 },
            storage_type: "gp3".into(),
            encrypted: true,
            database: database.database_name.clone(),
            user: database.master_user.clone(),
            subnet_group: SubnetGroup::NAME.of(&subnets),
            groups: groups.database(&database.name),
            backup_days: database.backup_days as i32,
            multi_az: database.multi_az,
            deletion_protection: database.deletion_protection,
            public: false,
            managed_password: database.password.is_none(),
            password: database.password.as_ref().and_then(|secret| secrets.get(secret)).map(|node| Secret::VERSION.of(node)),
        };
        nodes.insert(database.name.clone(), draft.graph.add(&database.name, &instance));
    }
    nodes
}
