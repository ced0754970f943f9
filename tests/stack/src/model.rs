use crate::Call;

const MODEL: &str = include_str!("../../../infra/data-model.md");

/// Asserts that these calls are what `infra/data-model.md` says of an operation, and consumed what it says: no call and no unit
/// more, and none less, so that the document stays true.
///
/// # Panics
/// When they differ, or the document has no such operation.
pub fn assert_operation(operation: &str, calls: &[Call]) {
    let names: Vec<_> = calls.iter().map(|call| call.operation).collect();
    let read: f64 = calls.iter().map(|call| call.read_units).sum();
    let write: f64 = calls.iter().map(|call| call.write_units).sum();
    let measured = format!("| `{operation}` | {} | {read} | {write} |", names.join(", "));
    let row = format!("| `{operation}` |");
    let modelled = MODEL.lines().find(|line| line.starts_with(&row)).unwrap_or("no such row");
    assert_eq!(
        measured, modelled,
        "what was measured (left) is not what infra/data-model.md says (right)"
    );
}
