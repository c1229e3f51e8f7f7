//! Packs the script of the documentation page (Scalar, 4.9 MB) once, when the product is built.
//!
//! Done here and not at start, because compressing takes a second and because static bytes cost no
//! memory until a browser asks for them.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs};

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var_os("OUT_DIR").ok_or("cargo gave no OUT_DIR")?;
    let folder = Path::new(&folder);
    let script = scalar_api_reference::get_asset("scalar.js")
        .ok_or("scalar_api_reference brings no scalar.js")?;
    let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
    packer.write_all(&script)?;
    let packed = packer.finish()?;
    for (name, bytes) in [("scalar.js", &script), ("scalar.js.gz", &packed)] {
        fs::write(folder.join(name), bytes)?;
        let digest = Sha256::digest(bytes);
        let etag: String = digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        fs::write(folder.join(format!("{name}.etag")), format!("\"{etag}\""))?;
    }
    Ok(())
}
