//! Tells the program the versions of what it is built with.

use std::process::Command;

fn main() {
    let lock = std::fs::read_to_string("Cargo.lock").expect("Cargo.lock lies beside build.rs");
    let timely = lock
        .split("[[package]]")
        .find(|package| package.contains("name = \"timely\"\n"))
        .and_then(|package| package.split("version = \"").nth(1)?.split('"').next())
        .expect("Cargo.lock names the version of timely");
    println!("cargo::rustc-env=TIMELY_VERSION={timely}");

    let rustc = std::env::var("RUSTC").expect("cargo sets RUSTC");
    let told = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("rustc tells its version");
    let told = String::from_utf8(told.stdout).expect("rustc speaks UTF-8");
    println!(
        "cargo::rustc-env=RUSTC_VERSION={}",
        told.split(' ').nth(1).unwrap_or(&told)
    );
    println!("cargo::rerun-if-changed=Cargo.lock");
}
