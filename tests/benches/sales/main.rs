//! The runs of `make bench-sales` and `make model`; `sales.py` beside this starts what they need, and shows what they say.
//!
//! - `conflicts`: our code against the local cloud while each transaction has its items for an ordered time: what the model is held against.
//! - `deployed NAME`: orders over HTTP at the whole local cloud, as `SPOTLIGHT_URL` and `STAGE` name it.
//! - `functions NAME PROGRAM`: the same at the program of `create_payment` alone, sixteen of it, with DynamoDB behind.
//! - `reference NAME URL`: the same at another shop, which takes `POST /orders`.
//!
//! Each prints a line of JSON.

#![expect(clippy::print_stdout, reason = "its line is what it is for")]

mod conflicts;
mod functions;
mod orders;
mod ours;
mod processor;
mod reference;

use std::{env, path::Path};

use orders::measure;

/// Anything that goes wrong ends the run with its sentence.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    // Cargo adds a word of its own.
    let given: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let told = stack::run(async {
        match given[..] {
            ["conflicts"] => conflicts::run().await,
            ["deployed", name] => measure(name, &ours::deployed().await?, None).await,
            ["functions", name, program] => {
                let functions = functions::serve(Path::new(program)).await?;
                let shop = ours::with_tables_of_this_process(&functions.url)?;
                measure(name, &shop, Some(&functions)).await
            }
            ["reference", name, url] => measure(name, &reference::at(url)?, None).await,
            _ => Err("say what is to be run".into()),
        }
    })?;
    println!("{told}");
    Ok(())
}
