//! One spelling for a route from its file to its deployed function, and generated files that are fresh.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

type Names = BTreeSet<String>;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The names of the Rust files in a folder, without `lib.rs`.
fn files(folder: &Path) -> Names {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let stem = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
    let paths = entries.map(|entry| entry.unwrap().path());
    let names = paths.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    names.filter_map(|path| stem(&path)).collect()
}

/// The functions that a part's template deploys: `FunctionName: !Sub ${Stage}-<name>`.
fn deployed(part: &str) -> Names {
    let text =
        fs::read_to_string(root().join("functions").join(part).join("template.yaml")).unwrap();
    let names =
        text.lines().filter_map(|line| line.trim().strip_prefix("FunctionName: !Sub ${Stage}-"));
    names.map(str::to_owned).collect()
}

/// The operations of a part's document.
fn documented(part: &str) -> Names {
    let text = fs::read_to_string(root().join("functions").join(part).join("openapi.json"));
    let document: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values());
    operations.map(|it| it["operationId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn route_file_binary_operation_and_function_have_one_name() {
    for part in generate::parts() {
        let source = root().join("functions").join(part.name).join("src");
        let routes: Names = part.routes.iter().map(|route| route.name.to_owned()).collect();
        let workers: Names = part.workers.iter().map(|name| (*name).to_owned()).collect();
        let all: Names = routes.union(&workers).cloned().collect();
        let missing: Vec<_> = all.difference(&files(&source)).cloned().collect();
        assert!(missing.is_empty(), "{}: no file for {missing:?}", part.name);
        assert_eq!(
            files(&source.join("bin")),
            all,
            "{}: src/bin differs from routes! and WORKERS",
            part.name
        );
        assert_eq!(
            deployed(part.name),
            all,
            "{}: template.yaml differs from routes! and WORKERS",
            part.name
        );
        assert_eq!(
            documented(part.name),
            routes,
            "{}: openapi.json differs from routes!",
            part.name
        );
    }
}

#[test]
fn every_part_is_known() {
    let parts: Names = generate::parts().iter().map(|part| part.name.to_owned()).collect();
    let entries = fs::read_dir(root().join("functions")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let folders: Names = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(parts, folders);
}

#[test]
fn generated_files_are_fresh() {
    for (path, text) in generate::files(root()).unwrap() {
        let there = fs::read_to_string(root().join(&path)).unwrap();
        assert!(there == text, "{path} is stale: run `make generate`");
    }
}

#[test]
fn a_path_position_has_one_variable_name() {
    let mut names = std::collections::BTreeMap::new();
    for route in generate::parts().into_iter().flat_map(|part| part.routes) {
        let mut before = String::new();
        for piece in route.path.split('/') {
            let variable = piece.starts_with('{');
            if variable {
                let name = names.entry(before.clone()).or_insert(piece.to_owned());
                assert_eq!(
                    name, piece,
                    "{before} is followed by two names, and API Gateway takes one"
                );
            }
            before = format!("{before}/{}", if variable { "{}" } else { piece });
        }
    }
}
