//! `make generate`: writes the generated files. Run it from the project's root.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (path, text) in generate::files()? {
        std::fs::write(path, text)?;
    }
    Ok(())
}
