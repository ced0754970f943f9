//! `POST /v1/auth/email-codes`: has a code mailed.

use api::{Answer, Anyone, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::member::{AskedPurpose, Email};
use store::ephemeral::code::CodeItem;
use utoipa::ToSchema;

use crate::{
    by_mail::{Clients, CodeAsked, ask},
    limits,
};

/// Where a code is to be mailed, and what for.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AskForCode {
    email: Email,
    purpose: AskedPurpose,
}

/// Has a code mailed
///
/// Six digits, good for 5 minutes, 5 tries and one use. The answer is the same for an address that nobody has: only a mail tells
/// more. `VERIFY_EMAIL` is for an account without an address, `NEW_PASSWORD` for one whose password is forgotten,
/// `LINK_IDENTITY` for one that is to be signed in to through Kakao or Naver, too. Signing up mails its own code.
#[utoipa::path(post, path = "/v1/auth/email-codes", request_body = AskForCode, responses(
    (status = 202, description = "If anything is to be mailed there, it is on its way", body = CodeAsked),
))]
pub async fn handle(
    clients: Clients,
    call: Call<Anyone, Body<AskForCode>>,
) -> Result<Answer<CodeAsked>, Problem> {
    let Call { input: Body(AskForCode { email, purpose }), context, .. } = call;
    let network = limits::address(&context.address);
    limits::count_code(&clients.0, &email, &network, context.now).await?;
    let item = CodeItem::asked(purpose.into(), email, context.language, None, context.now);
    Ok(Answer::accepted(ask(&clients, &item).await?))
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use serde_json::json;
    use store::Store;

    use super::*;
    use crate::testing::{fresh_email, queue, read, request};

    #[test]
    fn the_code_of_a_sign_up_is_asked_for_by_signing_up() {
        let body = json!({ "email": "mina@example.com", "purpose": "SIGN_UP" });
        let faults = deserr::deserialize::<AskForCode, _, FieldFaults>(body).unwrap_err();
        assert!(format!("{faults:?}").contains(r#"("/purpose", "CHOICE""#), "{faults:?}");
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let clients = (Store::new(client, stack::prefix()), queue().await);
            let body = read(json!({ "email": fresh_email(), "purpose": "NEW_PASSWORD" }));
            handle(clients, request(Anyone, body, Time::now())).await.unwrap();
            stack::assert_operation("ask_for_code", &meter.take());
        });
    }
}
