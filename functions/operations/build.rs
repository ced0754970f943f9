//! Puts the parts' documents together to the one that `GET /openapi.json` answers.

use std::{env, error::Error, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    // A new part is a new package in it.
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    let mut whole = Value::Null;
    let parts: Result<Vec<_>, _> = fs::read_dir("..")?.collect();
    // What is not there counts as changed each time: only folders have a document.
    let folders = parts?.into_iter().map(|part| part.path()).filter(|path| path.is_dir());
    let mut paths: Vec<_> = folders.map(|folder| folder.join("openapi.json")).collect();
    paths.sort();
    for path in paths {
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
        (Value::Array(whole), Value::Array(other)) => {
            let new: Vec<_> = other.into_iter().filter(|value| !whole.contains(value)).collect();
            whole.extend(new);
        }
        (whole, other) => *whole = other,
    }
}
