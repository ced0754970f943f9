use super::Rows;

pub fn rows(route: &str) -> Option<Rows> {
    (route == "list_notifications").then(Rows::default)
}
