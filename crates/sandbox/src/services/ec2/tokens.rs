//! Client tokens: the same token and parameters give the same object (catalogue, 1.4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::fault::Fault;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    /// The whole request that it came with first.
    pub(crate) request: Value,
    pub(crate) id: String,
}

/// What this token made before.
///
/// # Errors
/// `IdempotentParameterMismatch` when it came with other parameters.
pub(super) fn made_before(world: &World, call: &Call) -> Result<Option<String>, Fault> {
    let Some(token) = key(call).and_then(|key| world.ec2.tokens.get(&key)) else {
        return Ok(None);
    };
    if call.input == token.request {
        return Ok(Some(token.id.clone()));
    }
    let message = "The client token you have provided was used before with different parameters.";
    Err(Fault::new("IdempotentParameterMismatch", message))
}

pub(super) fn remember(world: &mut World, call: &Call, id: &str) {
    if let Some(key) = key(call) {
        world.ec2.tokens.insert(key, Token { request: call.input.clone(), id: id.to_owned() });
    }
}

fn key(call: &Call) -> Option<String> {
    call.opt("ClientToken").filter(|token| !token.is_empty()).map(|token| format!("{} {token}", call.operation))
}
