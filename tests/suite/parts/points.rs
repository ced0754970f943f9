use super::Rows;

pub fn rows(route: &str) -> Option<Rows> {
    (route == "get_my_points").then(Rows::default)
}
