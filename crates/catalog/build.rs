//! Lists the folders of the built-in catalogue, so that adding a connector needs no Rust. Samples of
//! arguments are for the tests alone.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script its folder so")]
fn main() -> Result<(), Box<dyn Error>> {
    let catalog =
        Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../catalog").canonicalize()?;
    println!("cargo::rerun-if-changed={}", catalog.display());
    let mut code = String::from("&[");
    for folder in sorted(&catalog)? {
        write!(code, "Folder {{ name: {:?}, files: &[", name(&folder)?)?;
        for file in sorted(&folder)?.into_iter().filter(|file| !file.ends_with("samples.json")) {
            println!("cargo::rerun-if-changed={}", file.display());
            let path = file.to_str().ok_or("the catalogue lies in a folder not named in UTF-8")?;
            write!(code, "({:?}, include_bytes!({path:?})),", name(&file)?)?;
        }
        code.push_str("] },");
    }
    code.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("builtin.rs"), code)?;
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> Result<&str, Box<dyn Error>> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| format!("{} is not named in UTF-8", path.display()).into())
}
