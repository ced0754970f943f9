use super::Rows;

pub fn rows(route: &str) -> Option<Rows> {
    matches!(route, "get_ticket" | "list_my_tickets").then(Rows::default)
}
