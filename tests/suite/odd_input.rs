//! What people send that looks odd and is good: it is taken as it was meant.

use reqwest::{Method, header};

use crate::{bad_input::OPEN_QUERIES, document::operations, world::World};

#[test]
fn head_is_get_without_a_body_on_every_route() {
    stack::run(async {
        let world = World::new().await;
        for operation in operations().iter().filter(|operation| operation.method == "GET") {
            let (path, token) = (operation.path(&world), &operation.owner(&world).token);
            let ask = async |method| {
                let request = world.request(method, &path);
                let request = match operation.signed_in {
                    true => request.bearer_auth(token),
                    false => request,
                };
                let answer = request.send().await.unwrap();
                let (status, kind) =
                    (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
                (status, kind, answer.text().await.unwrap())
            };
            let (status, kind, body) = ask(Method::GET).await;
            assert!(!body.is_empty(), "{path}");
            assert_eq!(ask(Method::HEAD).await, (status, kind, String::new()), "{path}");
        }
    });
}

#[test]
fn what_a_form_sends_empty_is_not_given() {
    stack::run(async {
        let world = World::new().await;
        for operation in operations().iter().filter(|operation| operation.method == "GET") {
            let optional = operation.query.iter().filter(|field| !field.required);
            let empty: Vec<_> = optional.map(|field| (&*field.name, String::new())).collect();
            let token = operation.signed_in.then(|| &*operation.owner(&world).token);
            let path = operation.path(&world);
            let ask = async |pairs| {
                let answer = operation.request(&world, &path, token, pairs).send().await.unwrap();
                answer.status()
            };
            let right = ask(&[]).await;
            let twice = [&empty[..], &empty].concat();
            let unknown = [("unknown", String::new())];
            for left_empty in [&empty[..], &twice, &unknown] {
                assert_eq!(ask(left_empty).await, right, "{path}?{left_empty:?}");
            }
        }
    });
}

#[test]
fn what_others_add_to_the_address_of_a_page_changes_nothing() {
    stack::run(async {
        let world = World::new().await;
        for operation in operations().iter().filter(|it| OPEN_QUERIES.contains(&&*it.name)) {
            let path = operation.path(&world);
            let ask = async |added: &str| {
                let agreed = operation.query.first().map_or("", |_| "pg_token=x");
                let path = format!("{path}?{agreed}&{added}");
                world.request(Method::GET, &path).send().await.unwrap().status()
            };
            let right = ask("").await;
            for added in [
                "fbclid=IwAR0",
                "utm_source=a&utm_source=b&utm_campaign=",
                "gclid",
                // Some portals write in EUC-KR.
                "n_query=%C0%E7%C1%EE",
                "%BE%C8=1",
                "a[]=1&limit=x&q=%00",
            ] {
                assert_eq!(ask(added).await, right, "{path}?{added}");
            }
        }
    });
}

#[test]
fn whole_numbers_and_layout_are_read_as_they_are_meant() {
    stack::run(async {
        let world = World::new().await;
        let key = world.fresh();
        let mut ids = Vec::new();
        for body in [
            format!(r#"{{"purpose":"TICKETS","eventId":"{}","quantity":1}}"#, world.event),
            format!(
                "{{\n  \"quantity\": 1.0,\n  \"eventId\": \"{}\", \"purpose\": \"TICKETS\" }}",
                world.event
            ),
            format!(r#"{{"quantity":1e0,"purpose":"\u0054ICKETS","eventId":"{}"}}"#, world.event),
        ] {
            let request = world.request(Method::POST, "/v1/payments");
            let request =
                request.bearer_auth(&world.stranger.token).header("Idempotency-Key", &key);
            let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
            ids.push(world.done(request).await["id"].clone());
        }
        assert!(ids[0].is_string() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    });
}
