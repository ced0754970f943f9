use super::Rows;

pub fn rows(route: &str) -> Option<Rows> {
    matches!(route, "get_docs" | "get_health" | "get_jwks" | "get_openapi" | "get_ticket_keys")
        .then(Rows::default)
}
