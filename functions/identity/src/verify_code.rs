//! `POST /v1/auth/email-codes/verify`: shows a code that was mailed.

use api::{Answer, Anyone, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::{
    id::CodeId,
    member::{CodePurpose, MailedCode},
    time::Time,
};
use serde::Serialize;
use store::{
    ephemeral::code::{Account, CodeItem},
    identity::member::Member,
    inbox::mail::{About, Mail},
};
use utoipa::ToSchema;

use crate::{
    access::remember_device,
    by_mail::{Clients, do_and_tell, shown, using},
    limits,
};

/// A code, and which one it is.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VerifyCode {
    code_id: CodeId,
    code: MailedCode,
}

/// What a right code is good for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeVerified {
    /// What it is good for, and nothing else.
    purpose: CodePurpose,
    /// Until when; of `SIGN_UP` `null`, for that is done.
    #[schema(required)]
    ends_at: Option<Time>,
}

/// Shows a code that was mailed
///
/// The code of a sign-up makes the account; a phone number that somebody has already is told now, with `PHONE_TAKEN`. Any other
/// code is good for 5 minutes more: show it again to the route that does what it is for. A wrong, a spent and an unknown code
/// get the same answer, `CODE_NOT_GOOD`.
#[utoipa::path(post, path = "/v1/auth/email-codes/verify", request_body = VerifyCode, responses(
    (status = 200, description = "It is the right one", body = CodeVerified),
))]
pub async fn handle(
    clients: Clients,
    call: Call<Anyone, Body<VerifyCode>>,
) -> Result<Answer<CodeVerified>, Problem> {
    let Call { input: Body(VerifyCode { code_id, code }), context, .. } = call;
    let (store, now) = (&clients.0, context.now);
    let mut item = shown(store, (code_id, &code), None, &context).await?;
    let ends_at = match item.account.take() {
        Some(account) => {
            let member = member(account, &item, now);
            let mail = Mail::new(member.id, About::Welcome, item.language, now);
            let creation = using(&item).and(member.creation().map(Into::into));
            do_and_tell(&clients, creation, &mail).await?;
            // Whoever signs in from here, and with this, is no stranger. The account is there whether that is known or not.
            let (account, network) =
                (limits::account(&item.email), limits::address(&context.address));
            for known in [
                store.remember(&account, &network, now).await,
                remember_device(store, member.id, &context).await,
            ] {
                if let Err(cause) = known {
                    tracing::warn!(%cause, "a new member is a stranger");
                }
            }
            None
        }
        None => Some(store.keep_code(&item, now).await?),
    };
    Ok(Answer::ok(CodeVerified { purpose: item.purpose, ends_at }))
}

fn member(account: Account, code: &CodeItem, now: Time) -> Member {
    Member {
        email: Some(code.email.clone()),
        password_hash: Some(account.password_hash),
        birth_date: account.birth_date,
        declared_of_age_at: account.declared_of_age_at,
        phone: account.phone,
        location: account.location,
        ..Member::new(account.nickname, account.role, now)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use store::{
        Store,
        inbox::mail::{Block, BlockKey, BlockReason},
    };
    use tokio::task::JoinSet;

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, ask, ask_to_sign_up, code_for, fresh_email, fresh_phone, mailed, mailing,
        queue, read, request, sign_in, sign_up, sign_up_body, store, stored, verify,
    };

    fn with(code: &str, shown: &Value) -> Value {
        json!({ "codeId": shown["codeId"], "code": code })
    }

    #[test]
    fn the_code_of_a_sign_up_makes_the_account_once() {
        stack::run(async {
            let (email, phone) = (fresh_email(), fresh_phone());
            let mut body = sign_up_body(&email);
            body["phone"] = phone.as_str().into();
            body["location"] = "SEOUL".into();
            let shown = mailed(&ask_to_sign_up(body).await).await;
            let seen = verify(shown.clone()).await;
            assert_eq!(
                (seen.told(), &seen.body),
                ((200, ""), &json!({ "purpose": "SIGN_UP", "endsAt": null }))
            );
            let member = stored(&email).await.unwrap();
            assert_eq!(member.phone.as_ref().unwrap().as_str(), phone);
            assert_eq!(verify(shown).await.told(), (400, "CODE_NOT_GOOD"));
            assert_eq!(stored(&email).await, Some(member));
            assert_eq!(sign_in(&email, PASSWORD).await.status, 200);
        });
    }

    #[test]
    fn any_other_code_is_right_for_what_it_is_for_until_it_is_used() {
        stack::run(async {
            let shown = code_for(&fresh_email(), "NEW_PASSWORD").await;
            for _ in 0..8 {
                let seen = verify(shown.clone()).await;
                assert_eq!(
                    (seen.status.as_u16(), &seen.body["purpose"]),
                    (200, &"NEW_PASSWORD".into())
                );
                let ends_at: Time = seen.body["endsAt"].as_str().unwrap().parse().unwrap();
                assert!((298..=300).contains(&Time::now().until(ends_at).as_secs()));
            }
        });
    }

    #[test]
    fn a_wrong_a_spent_a_late_an_unmailed_and_an_unknown_code_are_answered_alike() {
        stack::run(async {
            let shown = code_for(&fresh_email(), "NEW_PASSWORD").await;
            for _ in 0..5 {
                assert_eq!(verify(with("000000", &shown)).await.told(), (400, "CODE_NOT_GOOD"));
            }
            assert_eq!(verify(shown).await.told(), (400, "CODE_NOT_GOOD"), "tried five times");

            let asked = ask(&fresh_email(), "NEW_PASSWORD").await;
            for code in ["000000", "048215"] {
                assert_eq!(verify(with(code, &asked.body)).await.told(), (400, "CODE_NOT_GOOD"));
            }
            let shown = mailed(&asked).await;
            let call = request(
                Anyone,
                read(shown.clone()),
                Time::now().plus(store::ephemeral::code::LIFE),
            );
            let late = Seen::of(handle(mailing(store()).await, call).await);
            assert_eq!(late.told(), (400, "CODE_NOT_GOOD"));
            assert_eq!(verify(shown).await.status, 200);
            let unknown = json!({ "codeId": CodeId::generate(), "code": "048215" });
            assert_eq!(verify(unknown).await.told(), (400, "CODE_NOT_GOOD"));
        });
    }

    /// Whether the right code is still taken after twenty others were tried at once.
    async fn taken_after_guesses(trying: Store) -> bool {
        let shown = code_for(&fresh_email(), "NEW_PASSWORD").await;
        let mut guessing = JoinSet::new();
        for guess in 0..20 {
            let body = read(with(&format!("{guess:06}"), &shown));
            let call = request(Anyone, body, Time::now());
            guessing.spawn(handle((trying.clone(), queue().await), call));
        }
        for answer in guessing.join_all().await {
            assert_eq!(answer.unwrap_err().code(), "CODE_NOT_GOOD");
        }
        let call = request(Anyone, read(shown), Time::now());
        handle((trying, queue().await), call).await.is_ok()
    }

    #[test]
    fn many_guesses_at_once_are_five_and_no_more() {
        stack::run(async { assert!(!taken_after_guesses(store()).await) });
    }

    #[test]
    fn without_the_counters_condition_they_are_as_many_as_are_made() {
        stack::run(async {
            let uncounted = Store::new(stack::without("tries"), stack::prefix());
            assert!(taken_after_guesses(uncounted).await);
        });
    }

    #[test]
    fn an_address_or_a_phone_number_is_one_members_alone_and_only_its_owner_is_told() {
        stack::run(async {
            let (email, phone) = (fresh_email(), fresh_phone());
            let mut body = sign_up_body(&email);
            body["phone"] = phone.as_str().into();
            let again = mailed(&ask_to_sign_up(sign_up_body(&email.to_uppercase())).await).await;
            assert_eq!(sign_up(body.clone()).await.status, 200);
            assert_eq!(verify(again).await.told(), (409, "EMAIL_TAKEN"));

            let free = fresh_email();
            body["email"] = free.as_str().into();
            assert_eq!(sign_up(body).await.told(), (409, "PHONE_TAKEN"));
            assert_eq!(stored(&free).await, None, "nothing of a refused account is kept");
            assert_eq!(sign_up(sign_up_body(&free)).await.status, 200, "nor its address");
        });
    }

    /// How many accounts eight people make at once who signed up with one address, each with a code.
    async fn race(store: Store, email: &str) -> usize {
        let mut shown = Vec::new();
        for _ in 0..8 {
            shown.push(mailed(&ask_to_sign_up(sign_up_body(email)).await).await);
        }
        let mut verifying = JoinSet::new();
        for body in shown {
            let call = request(Anyone, read(body), Time::now());
            verifying.spawn(handle((store.clone(), queue().await), call));
        }
        let mut made = 0;
        for answer in verifying.join_all().await {
            match answer {
                Ok(_) => made += 1,
                Err(refusal) => assert_eq!(refusal.code(), "EMAIL_TAKEN"),
            }
        }
        made
    }

    #[test]
    fn many_at_once_for_one_address_make_one_account() {
        stack::run(async {
            let email = fresh_email();
            assert_eq!(race(store(), &email).await, 1);
            assert!(stored(&email).await.is_some());
        });
    }

    #[test]
    fn without_the_guards_condition_they_make_more() {
        stack::run(async {
            let unguarded = Store::new(stack::without("pk"), stack::prefix());
            assert!(race(unguarded, &fresh_email()).await > 1);
        });
    }

    #[test]
    fn an_address_that_bounced_gets_mail_again_once_a_code_came_there_and_a_complaint_stays() {
        stack::run(async {
            for (reason, stays) in [(BlockReason::Bounced, false), (BlockReason::Complained, true)]
            {
                let address = fresh_email();
                let email = address.parse().unwrap();
                store().block(&email, &Block { reason, since: Time::now() }).await.unwrap();
                sign_up(sign_up_body(&address)).await;
                let block = store().get(&BlockKey::of(&email)).await.unwrap();
                assert_eq!(block.is_some(), stays, "{reason:?}");
            }
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let clients = (Store::new(client, stack::prefix()), queue().await);
            let mut body = sign_up_body(&fresh_email());
            let alone = mailed(&ask_to_sign_up(body.clone()).await).await;
            body["email"] = fresh_email().into();
            body["phone"] = fresh_phone().into();
            let with_phone = mailed(&ask_to_sign_up(body).await).await;
            let other = code_for(&fresh_email(), "NEW_PASSWORD").await;
            for (operation, body) in [
                ("verify_code of a sign-up", alone),
                ("verify_code of a sign-up with a phone", with_phone),
                ("verify_code", other.clone()),
                ("verify_code, a wrong one", with("000000", &other)),
            ] {
                let _ = handle(clients.clone(), request(Anyone, read(body), Time::now())).await;
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
