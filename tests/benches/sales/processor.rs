//! Who used the processor meanwhile.

use std::{collections::BTreeMap, env, fs};

use serde_json::{Value, json};

use crate::{Result, functions::Functions};

/// Linux counts in hundredths of a second.
const TICK_MS: f64 = 10.0;

/// Whoever else is on the machine.
const OTHERS: &str = "others";

/// Processes by what they are called in the table. Those below them count as `NAME's`.
pub struct Watched(BTreeMap<String, u32>);

/// Milliseconds of a processor, by whose.
pub struct Used(BTreeMap<String, f64>);

impl Watched {
    /// Those that `WATCHED` names: `{"front": 4711, …}`.
    pub fn from_env() -> Result<Self> {
        Ok(Self(serde_json::from_str(&env::var("WATCHED").unwrap_or("{}".into()))?))
    }

    /// What all of them have used until now.
    pub fn used(&self, functions: Option<&Functions>) -> Result<Used> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            // A process may end between being listed and being read.
            let Ok(line) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some((head, tail)) = line.rsplit_once(") ") else { continue };
            let fields: Vec<&str> = tail.split(' ').collect();
            let id: u32 = head.split(' ').next().unwrap_or_default().parse()?;
            let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
            all.insert(id, (fields[1].parse::<u32>()?, ticks * TICK_MS));
        }
        let mut used = BTreeMap::new();
        for (name, &id) in &self.0 {
            used.insert(name.clone(), all.get(&id).map_or(0.0, |own| own.1));
            let below = all.keys().filter(|&&other| other != id && is_below(&all, other, id));
            let below: f64 = below.map(|other| all[other].1).sum();
            if below > 0.0 {
                used.insert(format!("{name}'s"), below);
            }
        }
        if let Some(functions) = functions {
            used.insert("functions".into(), functions.processor_ms()?);
        }
        used.insert("clients".into(), all.get(&std::process::id()).map_or(0.0, |own| own.1));
        used.insert(OTHERS.into(), busy()? - used.values().sum::<f64>());
        Ok(Used(used))
    }
}

/// How long all processors together have not been idle.
fn busy() -> Result<f64> {
    let all = fs::read_to_string("/proc/stat")?;
    let line = all.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).flat_map(str::parse).collect();
    // User, nice, system, idle, waiting, interrupts, and those of software.
    let working = [0, 1, 2, 5, 6].iter().filter_map(|&field| ticks.get(field));
    Ok(working.sum::<f64>() * TICK_MS)
}

fn is_below(all: &BTreeMap<u32, (u32, f64)>, mut id: u32, above: u32) -> bool {
    while let Some(&(parent, _)) = all.get(&id) {
        if parent == above {
            return true;
        }
        id = parent;
    }
    false
}

impl Used {
    /// What was used since then.
    pub fn since(self, before: &Self) -> Self {
        let since = |(name, ms): (String, f64)| {
            let ms = ms - before.0.get(&name).copied().unwrap_or_default();
            (name, ms.max(0.0))
        };
        Self(self.0.into_iter().map(since).collect())
    }

    /// How many processors whoever else is on the machine has used in so many milliseconds.
    pub fn others(&self, ms: f64) -> f64 {
        self.0.get(OTHERS).copied().unwrap_or_default() / ms
    }

    /// For each of so many orders.
    pub fn each(mut self, orders: usize) -> Value {
        self.0.remove(OTHERS);
        let each = self.0.into_iter().map(|(name, ms)| (name, json!(ms / orders.max(1) as f64)));
        Value::Object(each.collect())
    }
}
