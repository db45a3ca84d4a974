//! Stories of the whole program on the sandbox, with time paused.

mod order;
mod up_and_down;
