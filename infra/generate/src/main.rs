//! `make generate`: writes the generated files. Run it from the project's root.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (path, text) in generate::files(Path::new("."))? {
        std::fs::write(path, text)?;
    }
    Ok(())
}
