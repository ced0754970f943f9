//! Puts the parts' documents together to the one that `GET /openapi.json` answers.

use std::{env, error::Error, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    // A new part is a new package in it.
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    let mut whole = Value::Null;
    for part in fs::read_dir("..")? {
        let path = part?.path().join("openapi.json");
        println!("cargo::rerun-if-changed={}", path.display());
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match serde_json::from_str(&text) {
            Ok(document) => add(&mut whole, document),
            // `make generate`, which mends it, is built with this.
            Err(error) => println!("cargo::warning={}: {error}", path.display()),
        }
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("openapi.json"), whole.to_string())?;
    Ok(())
}

/// Adds what another document has more.
fn add(whole: &mut Value, other: Value) {
    match (whole, other) {
        (Value::Object(whole), Value::Object(other)) => {
            for (name, value) in other {
                add(whole.entry(name).or_insert(Value::Null), value);
            }
        }
        (whole, other) => *whole = other,
    }
}
