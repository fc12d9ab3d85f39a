//! Runs every lesson.
#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../../quickstart.rs"]
mod quickstart;
#[path = "../../table.rs"]
mod table;
#[path = "../../your_own_network.rs"]
mod your_own_network;
#[path = "../../your_own_variant.rs"]
mod your_own_variant;

#[test]
fn quickstart_runs() {
    quickstart::main().unwrap();
}

#[test]
fn table_runs() {
    table::main().unwrap();
}

#[test]
fn your_own_network_learns() {
    your_own_network::main().unwrap();
}

#[test]
fn your_own_variant_is_checked_trained_saved_and_loaded() {
    your_own_variant::main().unwrap();
}
