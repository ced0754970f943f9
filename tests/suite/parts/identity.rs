use std::time::Duration;

use domain::{
    id::CodeId,
    time::{Day, Time},
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::Rows;
use crate::world::{PASSWORD, World};

/// When somebody was born who is not 14 yet.
fn child() -> Day {
    Time::now().minus(Duration::from_hours(24 * 365 * 13)).korean_day()
}

pub fn rows(world: &World, route: &str) -> Option<Rows> {
    let rows = Rows::default();
    let taken = &world.fan.email;
    Some(match route {
        "sign_up" => {
            let sign_up = |email: &str, password: &str, role: &str| {
                let body = json!({ "email": email, "password": password, "nickname": "누구", "role": role });
                world.request(Method::POST, "/v1/auth/sign-up").json(&body)
            };
            rows.finds(sign_up("a@b.kr", "a-good-password", "ADMIN"), "body", "/role", "CHOICE")
                .finds(
                    sign_up("a@b.kr", "password", "USER"),
                    "body",
                    "/password",
                    "COMMON_PASSWORD",
                )
                .finds(
                    sign_up("stage-at-night@b.kr", "Stage-At-Night", "USER"),
                    "body",
                    "/password",
                    "OWN_NAME",
                )
        }
        "sign_in" => [taken, "nobody@example.kr"].iter().fold(rows, |rows, email| {
            let wrong = json!({ "email": email, "password": "not-the-password" });
            let wrong = world.request(Method::POST, "/v1/auth/sign-in").json(&wrong);
            rows.refuses(wrong, 401, "WRONG_EMAIL_OR_PASSWORD")
        }),
        "refresh" => {
            ["", "refresh=x", "refresh=mem_1.ses_1.x"].iter().fold(rows, |rows, cookie| {
                let refresh = world.request(Method::POST, "/v1/auth/refresh");
                rows.refuses(refresh.header(header::COOKIE, *cookie), 401, "REFRESH_TOKEN_INVALID")
            })
        }
        "change_me" => {
            let change = |body: Value| {
                let request = world.request(Method::PATCH, "/v1/me").bearer_auth(&world.fan.token);
                request.header(header::IF_MATCH, "*").json(&body)
            };
            rows.finds(change(json!({ "nickname": null })), "body", "/nickname", "LENGTH")
                .finds(change(json!({ "email": "a@b.kr" })), "body", "/email", "UNKNOWN_FIELD")
                .finds(change(json!({ "birthDate": child() })), "body", "/birthDate", "UNDER_14")
                .finds(
                    change(json!({ "fourteenOrOlder": false })),
                    "body",
                    "/fourteenOrOlder",
                    "CHOICE",
                )
                .finds(
                    change(json!({ "fourteenOrOlder": null })),
                    "body",
                    "/fourteenOrOlder",
                    "CHOICE",
                )
                .finds(change(json!({ "role": "ADMIN" })), "body", "/role", "UNKNOWN_FIELD")
        }
        "ask_for_code" => {
            let body = json!({ "email": "a@b.kr", "purpose": "SIGN_UP" });
            let ask = world.request(Method::POST, "/v1/auth/email-codes").json(&body);
            rows.finds(ask, "body", "/purpose", "CHOICE")
        }
        "verify_code" => {
            let verify = |code: &str| {
                let body = json!({ "codeId": CodeId::generate(), "code": code });
                world.request(Method::POST, "/v1/auth/email-codes/verify").json(&body)
            };
            rows.refuses(verify("123456"), 400, "CODE_NOT_GOOD").finds(
                verify("12345"),
                "body",
                "/code",
                "FORMAT",
            )
        }
        "set_password" => {
            let set = |password: &str| {
                let id = CodeId::generate();
                let body = json!({ "codeId": id, "code": "123456", "password": password });
                world.request(Method::PUT, "/v1/auth/password").json(&body)
            };
            rows.refuses(set("another-good-password"), 400, "CODE_NOT_GOOD").finds(
                set("password"),
                "body",
                "/password",
                "COMMON_PASSWORD",
            )
        }
        "change_password" => {
            let change = |password: &str| {
                let body = json!({ "currentPassword": "not-the-password", "password": password });
                let request = world.request(Method::PUT, "/v1/me/password");
                request.bearer_auth(&world.fan.token).json(&body)
            };
            let good = json!({ "currentPassword": PASSWORD, "password": "a-new-good-password" });
            rows.takes(good)
                .refuses(change("another-good-password"), 403, "WRONG_PASSWORD")
                .finds(change("password"), "body", "/password", "COMMON_PASSWORD")
                .finds(change(taken), "body", "/password", "OWN_NAME")
        }
        "set_email" => {
            let body = json!({ "codeId": CodeId::generate(), "code": "123456" });
            let set = world.request(Method::PUT, "/v1/me/email").bearer_auth(&world.fan.token);
            rows.refuses(set.json(&body), 400, "CODE_NOT_GOOD")
        }
        "finish_social_sign_in" => {
            ["", "?code=x", "?code=x&state=x", "?error=access_denied&state=x"].iter().fold(
                rows,
                |rows, query| {
                    let path = format!("/v1/auth/kakao/callback{query}");
                    rows.refuses(world.request(Method::GET, &path), 400, "SIGN_IN_STATE_INVALID")
                },
            )
        }
        "start_social_sign_in" => {
            let unknown = world.request(Method::GET, "/v1/auth/google/start");
            rows.refuses(unknown, 404, "NOT_FOUND")
        }
        "link_identity" => {
            let body = json!({ "linkId": world.link, "codeId": world.code_id, "code": "12345x" });
            let link = world.request(Method::PUT, "/v1/me/identities/kakao");
            rows.finds(link.bearer_auth(&world.fan.token).json(&body), "body", "/code", "FORMAT")
        }
        "unlink_identity" => {
            let unknown = world.request(Method::DELETE, "/v1/me/identities/UNKNOWN");
            rows.refuses(unknown.bearer_auth(&world.fan.token), 404, "NOT_FOUND")
        }
        "delete_me" => {
            let leave = |points: &str| {
                let path = format!("/v1/me?forfeitedPoints={points}");
                world.request(Method::DELETE, &path).bearer_auth(&world.fan.token)
            };
            rows.finds(leave("-1"), "query", "forfeitedPoints", "RANGE")
                .finds(leave("1.5"), "query", "forfeitedPoints", "TYPE")
                .refuses(leave("0"), 409, "UNSETTLED_MONEY")
        }
        "sign_out"
        | "get_me"
        | "export_me"
        | "list_my_sessions"
        | "end_my_session"
        | "end_my_other_sessions" => rows,
        _ => return None,
    })
}
