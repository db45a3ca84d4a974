//! Stories of the whole program on the sandbox, with time paused.

mod changes;
mod drift;
mod order;
mod state;
mod up_and_down;
