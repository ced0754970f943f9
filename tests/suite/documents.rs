//! What operators and callers read is true: every alarm is in the runbook, every test that the security checklist names exists,
//! and what breaks callers stands in the changelog.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use store::personal::{Erasure, Export, ITEMS, Section, Work};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Everything in a folder whose name ends so, however deep.
fn files(folder: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path, end),
            false if path.to_string_lossy().ends_with(end) => vec![text(&path)],
            false => Vec::new(),
        })
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_alarm_has_a_line_in_the_runbook() {
    let runbook = read("infra/runbook.md");
    let explained: BTreeSet<_> = quoted(&runbook).collect();
    let templates =
        [files(&root().join("functions"), "template.yaml"), vec![read("template.yaml")]];
    let lines = templates.iter().flatten().flat_map(|template| template.lines());
    let alarms: Vec<_> =
        lines.filter_map(|line| line.trim().strip_prefix("AlarmName: !Sub ${Stage}-")).collect();
    assert!(!alarms.is_empty(), "the templates spell an alarm's name otherwise");
    for alarm in alarms {
        assert!(explained.contains(alarm), "infra/runbook.md does not say what {alarm} means");
    }
}

#[test]
fn every_test_that_the_security_checklist_names_exists() {
    let folders = ["shared", "functions", "tests/suite"];
    let sources: String =
        folders.iter().flat_map(|folder| files(&root().join(folder), ".rs")).collect();
    let tests: BTreeSet<_> = sources
        .lines()
        .filter_map(|line| line.trim().strip_prefix("fn ")?.split('(').next())
        .collect();
    let checklist = read("infra/security.md");
    let named = quoted(&checklist).filter(|name| name.matches('_').count() > 2);
    for name in named {
        assert!(tests.contains(name), "infra/security.md names {name}, and there is no such test");
    }
}

#[test]
fn every_item_says_what_of_it_is_handed_over_and_what_becomes_of_it() {
    let model = read("infra/data-model.md");
    let table = model.split("\n## Items\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = table.unwrap().lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let modelled: Vec<_> =
        rows.map(|(name, _)| name).skip_while(|name| *name != "member").collect();
    let registered: Vec<_> = ITEMS.iter().map(|item| item.name).collect();
    assert_eq!(
        registered, modelled,
        "shared/store/src/personal.rs (left), infra/data-model.md (right)"
    );
    for section in Section::ALL {
        assert!(
            ITEMS.iter().any(|it| it.export == Export::In(section)),
            "nothing is in {section:?}"
        );
    }
    for work in Work::PARTING.into_iter().chain(Work::ALONE) {
        assert!(ITEMS.iter().any(|it| it.erasure == Erasure::By(work)), "{work:?} is of no item");
    }
}

#[test]
fn every_code_is_declared_once_and_used() {
    let folders = ["shared", "functions", "infra/generate"];
    let sources = |end| -> String {
        folders.iter().flat_map(|folder| files(&root().join(folder), end)).collect()
    };
    let (declarations, code) = (sources("codes.rs"), sources(".rs"));
    let used: BTreeSet<_> = code
        .split("codes::")
        .filter_map(|rest| rest.split(|c: char| c != '_' && !c.is_ascii_uppercase()).next())
        .collect();
    let declared = declarations
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {")?.split_once(' '));
    let (mut seen, mut names) = (BTreeSet::new(), declared.map(|(_, name)| name).peekable());
    assert!(names.peek().is_some(), "codes are declared otherwise");
    for name in names {
        assert!(seen.insert(name), "{name} is declared twice");
        assert!(used.contains(name), "nobody is refused with {name}");
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What the changelog says under a heading.
fn section<'a>(changelog: &'a str, heading: &str) -> &'a str {
    let after = changelog.split(&format!("\n## {heading}\n")).nth(1);
    let after = after.unwrap_or_else(|| panic!("CHANGELOG.md has no heading `## {heading}`"));
    after.split("\n## ").next().unwrap()
}

#[test]
fn what_breaks_callers_of_the_last_release_stands_in_the_changelog() {
    let (old, new) = (json(&read(generate::PUBLISHED)), json(&generate::document().unwrap()));
    let changelog = read("CHANGELOG.md");
    let noted = section(&changelog, "Unreleased");
    let breaking = generate::breaking(&old, &new);
    let silent: Vec<_> = breaking.iter().filter(|change| !noted.contains(*change)).collect();
    assert!(
        silent.is_empty(),
        "these break callers; leave them, or write each into CHANGELOG.md with what to do: {silent:#?}"
    );
}

#[test]
fn every_release_stands_in_the_changelog() {
    let released = json(&read(generate::PUBLISHED));
    let changelog = read("CHANGELOG.md");
    let notes = section(&changelog, released["info"]["version"].as_str().unwrap());
    assert!(!notes.trim().is_empty());
}
