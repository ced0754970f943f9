//! `PATCH /v1/me`: changes one's own account.

use api::{Answer, Body, Call, Change, FieldFaults, Precondition, Problem};
use deserr::Deserr;
use domain::member::{BirthDate, Declared, Location, Nickname, Phone};
use store::{
    Store,
    identity::{member::Member, session::SignedIn},
};
use utoipa::ToSchema;

use crate::view::MemberView;

/// What becomes of the account. What is not named stays; `null` empties.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeMe {
    #[deserr(default)]
    #[schema(value_type = Nickname, required = false)]
    nickname: Change<Nickname>,
    #[deserr(default)]
    #[schema(value_type = Option<BirthDate>)]
    birth_date: Change<BirthDate>,
    /// That the member is 14 or older. Once declared, it can't be taken back.
    #[deserr(default)]
    #[schema(value_type = Declared, required = false)]
    fourteen_or_older: Change<Declared>,
    #[deserr(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Change<Phone>,
    #[deserr(default)]
    #[schema(value_type = Option<Location>)]
    location: Change<Location>,
}

/// Changes one's own account
///
/// Nickname, birth date, the word to be 14 or older, phone and location. A phone number that somebody has already is refused with `PHONE_TAKEN`; a
/// change of what was changed since it was read, with `CHANGED_SINCE`: read it again first.
#[utoipa::path(patch, path = "/v1/me", request_body = ChangeMe, params(Precondition),
    responses(
        (status = 200, description = "The account", body = MemberView, headers(("ETag" = String))),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Body<ChangeMe>>,
) -> Result<Answer<MemberView>, Problem> {
    let precondition = call.precondition()?;
    let Call { who, input: Body(body), context } = call;
    let before = store.session(&who, context.now).await?.member;
    precondition.require(before.version)?;
    // Nobody is without one: emptied, it is refused as an empty one is.
    let nickname = body.nickname.of(Some(before.nickname.clone())).map_or_else(|| "".parse(), Ok);
    if body.fourteen_or_older == Change::Clear {
        return Err(Problem::broken_rules(vec![("fourteenOrOlder", Declared::TRUE_ALONE)]));
    }
    let declared = body.fourteen_or_older.of(None).map(|Declared| context.now);
    let mut after = Member {
        nickname: nickname.map_err(|empty| Problem::broken_rules(vec![("nickname", empty)]))?,
        declared_of_age_at: before.declared_of_age_at.or(declared),
        birth_date: body.birth_date.of(before.birth_date),
        phone: body.phone.of(before.phone.clone()),
        location: body.location.of(before.location),
        ..before.clone()
    };
    if after != before {
        (after.version, after.updated_at) = (before.version + 1, context.now);
        store.change_member(&before, &after).await?;
    }
    let version = after.version;
    Ok(Answer::ok(after.into()).versioned(version, &context))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{
        id::MemberId,
        member::{Provider, Role},
        time::Time,
    };
    use http::{HeaderValue, header};
    use serde_json::{Value, json};
    use store::identity::{
        member::{MemberKey, PhoneKey},
        session::SessionKey,
    };

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, fresh_phone, read, request_of, sign_in, sign_up, sign_up_body,
        signed_in, store, stored,
    };

    const YEAR: Duration = Duration::from_hours(24 * 365);

    async fn change(store: Store, key: SessionKey, seen: &str, body: Value) -> Seen {
        let Call { who, mut context, .. } = request_of(key, Time::now());
        context.headers.insert(header::IF_MATCH, HeaderValue::from_str(seen).unwrap());
        Seen::of(handle(store, Call { who, input: read(body), context }).await)
    }

    async fn changed(key: SessionKey, body: Value) -> Value {
        let seen = change(store(), key, "*", body).await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        seen.body
    }

    #[test]
    fn what_is_named_changes_null_empties_and_all_else_stays() {
        stack::run(async {
            let key = signed_in().await.key();
            let phone = fresh_phone();
            let bare = phone.replace('-', "");
            let full = json!({ "nickname": "새 이름", "birthDate": "1995-03-14", "phone": bare, "location": "BUSAN" });
            let after = changed(key, full).await;
            for (field, value) in
                [("nickname", "새 이름"), ("phone", &phone), ("location", "BUSAN")]
            {
                assert_eq!(after[field], value);
            }
            let emptied = changed(key, json!({ "birthDate": null, "phone": null })).await;
            assert_eq!((&emptied["birthDate"], &emptied["phone"]), (&Value::Null, &Value::Null));
            assert_eq!(
                (&emptied["nickname"], &emptied["location"]),
                (&after["nickname"], &after["location"])
            );
            assert!(store().get(&PhoneKey(&phone.parse().unwrap())).await.unwrap().is_none());

            let refused = change(store(), key, "*", json!({ "nickname": null })).await;
            assert_eq!(refused.told(), (422, "INVALID_FIELDS"));
            assert_eq!(refused.body["errors"][0]["pointer"], "/nickname", "{}", refused.body);
        });
    }

    #[test]
    fn who_is_14_or_older_says_so_once_and_for_all() {
        stack::run(async {
            let email = fresh_email();
            let mut body = sign_up_body(&email);
            body.as_object_mut().unwrap().remove("fourteenOrOlder");
            sign_up(body).await;
            assert_eq!(stored(&email).await.unwrap().declared_of_age_at, None);
            let key = sign_in(&email, PASSWORD).await.refresh_token().key();
            let declare = json!({ "fourteenOrOlder": true });
            assert_eq!(changed(key, declare.clone()).await["fourteenOrOlder"], true);
            let declared = || async {
                store().get(&MemberKey(key.member_id)).await.unwrap().unwrap().declared_of_age_at
            };
            let first = declared().await;
            assert!(first.is_some());
            changed(key, declare).await;
            assert_eq!(declared().await, first);

            let withdrawn = change(store(), key, "*", json!({ "fourteenOrOlder": null })).await;
            assert_eq!(withdrawn.told(), (422, "INVALID_FIELDS"));
            assert_eq!(withdrawn.body["errors"][0]["pointer"], "/fourteenOrOlder");
            for (field, value, code) in [
                ("fourteenOrOlder", json!(false), "CHOICE"),
                ("birthDate", json!(Time::now().minus(YEAR * 13).korean_day()), "UNDER_14"),
            ] {
                let faults =
                    deserr::deserialize::<ChangeMe, _, FieldFaults>(json!({ field: value }));
                let told = format!("{:?}", faults.unwrap_err());
                assert!(told.contains(&format!("(\"/{field}\", \"{code}\"")), "{told}");
            }
        });
    }

    #[test]
    fn a_change_of_what_was_changed_since_is_refused_and_nothing_is_lost() {
        stack::run(async {
            let key = signed_in().await.key();
            let first = change(store(), key, "\"1\"", json!({ "nickname": "먼저" })).await;
            assert_eq!(
                (first.status.as_u16(), &first.headers[header::ETAG]),
                (200, &"\"2\"".parse().unwrap())
            );
            let second = change(store(), key, "\"1\"", json!({ "location": "JEJU" })).await;
            assert_eq!(second.told(), (412, "CHANGED_SINCE"));
            let same = change(store(), key, "\"2\"", json!({ "nickname": "먼저" })).await;
            assert_eq!(same.headers[header::ETAG], "\"2\"", "nothing changed");

            // Both have read the same, and neither says so.
            let member = store().get(&MemberKey(key.member_id)).await.unwrap().unwrap();
            let of = |nickname: &str| Member {
                nickname: nickname.parse().unwrap(),
                version: 3,
                ..member.clone()
            };
            store().change_member(&member, &of("하나")).await.unwrap();
            let lost = store().change_member(&member, &of("둘")).await.unwrap_err();
            assert_eq!(Problem::from(lost).code(), "CHANGED_SINCE");
        });
    }

    #[test]
    fn a_phone_number_is_one_members_and_free_again_when_it_is_given_up() {
        stack::run(async {
            let (one, other) = (signed_in().await.key(), signed_in().await.key());
            let (phone, next) = (fresh_phone(), fresh_phone());
            changed(one, json!({ "phone": phone })).await;
            let taken =
                change(store(), other, "*", json!({ "phone": phone, "nickname": "둘째" })).await;
            assert_eq!(taken.told(), (409, "PHONE_TAKEN"));
            changed(one, json!({ "phone": next })).await;
            assert_eq!(changed(other, json!({ "phone": phone })).await["phone"], phone);
        });
    }

    #[test]
    fn an_identity_is_one_members_and_free_again_when_it_is_given_up() {
        stack::run(async {
            let member = || stack::member(Role::User, Time::now());
            let (one, other, third) = (member(), member(), member());
            let with = |member: &Member, id: &str| Member {
                identities: [(Provider::Kakao.to_string(), id.parse().unwrap())].into(),
                ..member.clone()
            };
            let id = MemberId::generate().to_string();
            store().transact(with(&one, &id).creation()).await.unwrap();
            store().transact(other.creation()).await.unwrap();

            let taken = store().transact(with(&third, &id).creation()).await.unwrap_err();
            assert_eq!(Problem::from(taken).code(), "IDENTITY_TAKEN");
            assert_eq!(store().get(&MemberKey(third.id)).await.unwrap(), None);
            let taken = store().change_member(&other, &with(&other, &id)).await.unwrap_err();
            assert_eq!(Problem::from(taken).code(), "IDENTITY_TAKEN");

            store().change_member(&with(&one, &id), &one).await.unwrap();
            store().change_member(&other, &with(&other, &id)).await.unwrap();
            let now = store().get(&MemberKey(other.id)).await.unwrap().unwrap();
            assert_eq!(now.identity(Provider::Kakao).unwrap().as_str(), id);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let key = signed_in().await.key();
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            change(store.clone(), key, "*", json!({ "nickname": "셋" })).await;
            stack::assert_operation("change_me", &meter.take());
            for (name, phone) in [
                ("change_me to a phone", fresh_phone()),
                ("change_me to another phone", fresh_phone()),
            ] {
                assert_eq!(
                    change(store.clone(), key, "*", json!({ "phone": phone })).await.status,
                    200
                );
                stack::assert_operation(name, &meter.take());
            }
        });
    }
}
