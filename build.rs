//! The library starts threads that PHP cannot be made to wait for in every
//! case (a console script ends when it ends), and registers a fork handler:
//! its code must stay mapped even after PHP has unloaded the module.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
