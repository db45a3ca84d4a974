//! Files that nobody would write: whatever they hold, the answer is a project or problems with a place and a fix, soon, and nothing outside of the
//! folder has a say in it. `docs/reliability.md`, "Fuzzing", says how to try for longer and how to look for inputs by coverage.

mod bombs;
mod folder;
mod harness;

#[test]
fn compose_files() {
    landing_fuzz::run(&harness::COMPOSE);
}

#[test]
fn landing_tomls() {
    landing_fuzz::run(&harness::LANDING_TOML);
}

#[test]
fn files_that_others_name() {
    landing_fuzz::run(&harness::NAMED);
}

#[test]
fn bombs() {
    landing_fuzz::each("bombs", bombs::all(), folder::check);
}
