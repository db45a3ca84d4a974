//! States, journals and event streams that nobody wrote: each is read as it was written, or refused, and never believed by half.
//! `docs/reliability.md`, "Fuzzing", says how to try for longer.

mod events;
mod journal;
mod state;
mod written;

#[test]
fn states() {
    landing_fuzz::run(&state::STATE);
}

#[test]
fn damaged_states() {
    landing_fuzz::run(&state::DAMAGED);
}

#[test]
fn journals() {
    landing_fuzz::run(&journal::JOURNAL);
}

#[test]
fn event_streams() {
    landing_fuzz::run(&events::EVENTS);
}
