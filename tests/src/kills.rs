//! Kills a function at every point where a crash could matter, found by watching what it calls.

use std::process::Command;

use serde_json::Value;

use crate::outside::{Call, Moment, Outside};
use crate::runtime_api::{Function, Outcome};

/// Where a process died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The number of the call, counted from 0 since the event was handed over.
    pub call: usize,
    /// What it called.
    pub operation: Call,
    /// Whether the call still got through.
    pub moment: Moment,
}

/// One step of a story: a function, what is outside it, and the event it gets.
pub struct Step<'a, World> {
    /// The function's name, as in the templates.
    pub name: &'a str,
    /// What it calls: `(name, URL)` of each service.
    pub services: &'a [(&'a str, &'a str)],
    /// Its program with its environment, which must lead to [`Outside::url`] and nowhere else.
    pub program: &'a (dyn Fn(&Outside) -> Command + Sync),
    /// The event, for a world that was made for this run.
    pub event: &'a (dyn Fn(&World) -> Value + Sync),
}

/// Runs the step in a world of its own for each point: killed before and after the first outside call,
/// the second, and so on until a run is not reached by the kill any more; then once to the end, and
/// the same event again. After each, `recover` does what a buyer, Lambda and the workers would do next,
/// and `check` asserts what must hold in the end; it gets the point, or none for the run that was not killed.
/// The points are returned, so that a test can assert that those it means were among them.
///
/// # Panics
/// If the function can't be started or hangs; the point is named.
pub async fn every_kill_point<World>(
    step: Step<'_, World>,
    prepare: impl AsyncFn() -> World,
    recover: impl AsyncFn(&World),
    check: impl AsyncFn(&World, Option<&Point>),
) -> Vec<Point> {
    let mut points = Vec::new();
    for call in 0.. {
        for moment in [Moment::Before, Moment::After] {
            let world = prepare().await;
            let (outside, function) = start(&step).await;
            outside.kill_at(call, moment, function.killer());
            let outcome = invoke(&step, &function, &world).await;
            if !outside.killed() {
                // On a busy machine a client asks again, and the calls after it have other numbers: this run says what they are.
                let calls = outside.calls();
                points.retain(|point: &Point| point.call < calls.len());
                for point in &mut points {
                    point.operation = calls[point.call].clone();
                }
                outside.forget();
                invoke(&step, &function, &world).await;
                recover(&world).await;
                check(&world, None).await;
                return points;
            }
            let operation = outside.calls().swap_remove(call);
            let point = Point { call, operation, moment };
            assert_eq!(outcome, Outcome::Died, "{} answered after {point:?}", step.name);
            recover(&world).await;
            check(&world, Some(&point)).await;
            points.push(point);
        }
    }
    points
}

async fn start<World>(step: &Step<'_, World>) -> (Outside, Function) {
    let outside = match Outside::before(step.services).await {
        Ok(outside) => outside,
        Err(error) => panic!("nothing can stand before {:?}: {error}", step.services),
    };
    let function = match Function::start(step.name, (step.program)(&outside)).await {
        Ok(function) => function,
        Err(error) => panic!("{} can't be started: {error}", step.name),
    };
    if let Err(error) = function.ready().await {
        panic!("{} is not ready: {error}", step.name);
    }
    // What it calls to get ready comes before any work, and a crash there loses nothing.
    outside.forget();
    (outside, function)
}

async fn invoke<World>(step: &Step<'_, World>, function: &Function, world: &World) -> Outcome {
    match function.invoke(&(step.event)(world)).await {
        Ok(outcome) => outcome,
        Err(error) => panic!("{}: {error}", step.name),
    }
}
