//! A disk that flushes as slowly as one that keeps its word: `slow_flush.c`, loaded into whatever
//! is measured on it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the library, with the compiler that SQLite was built with.
pub(crate) fn library() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/slow_flush.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libslow_flush.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let built = Command::new(&compiler)
        .args(["-O2", "-Wall", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(built.success(), "{compiler} cannot build {source:?}");
    library
}
