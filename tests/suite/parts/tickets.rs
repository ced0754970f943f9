use super::Rows;

pub fn rows(route: &str) -> Option<Rows> {
    (route == "list_my_tickets").then(Rows::default)
}
