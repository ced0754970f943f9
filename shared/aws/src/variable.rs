use std::env;

/// An environment variable that a function can't do without is not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is missing")]
pub struct Missing(&'static str);

/// The value of an environment variable: the one way in which a function is configured.
///
/// # Errors
/// [`Missing`], which names it.
pub fn variable(name: &'static str) -> Result<String, Missing> {
    env::var(name).map_err(|_| Missing(name))
}
