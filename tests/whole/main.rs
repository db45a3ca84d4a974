//! Stories of the whole program on the sandbox, with time paused.

mod up_and_down;
