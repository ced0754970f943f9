use super::Rows;

pub fn rows(route: &str) -> Option<Rows> {
    ["get_my_points", "list_my_transfers"].contains(&route).then(Rows::default)
}
