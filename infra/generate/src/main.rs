//! `make generate` writes the generated files, `make publish` the copy of the released document. Run from the project's root.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some("publish") {
        fs::write(generate::PUBLISHED, generate::document()?)?;
        return Ok(());
    }
    for (path, text) in generate::files(Path::new("."))? {
        fs::write(path, text)?;
    }
    Ok(())
}
