//! `PUT /v1/me/identities/{provider}`: signs in with a provider, too.

use api::{Answer, Body, Call, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::{
    id::{CodeId, LinkId},
    member::{CodePurpose, MailedCode},
};
use store::{
    Store,
    ephemeral::{code::NotGood, link::LinkKey},
    identity::{member::Member, session::SignedIn},
};
use utoipa::ToSchema;

use crate::{
    by_mail::{shown, using},
    codes,
    start_social_sign_in::ProviderPath,
    view::MemberView,
};

/// The identity that waits, and the code that was mailed to the account's address.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LinkIdentity {
    link_id: LinkId,
    code_id: CodeId,
    code: MailedCode,
}

/// Links Kakao or Naver to one's own account
///
/// For whoever came by a provider that told a verified address which this account has (`IDENTITY_NOT_LINKED`): with the link that the
/// page was told, and a code that was mailed to the account's address for `LINK_IDENTITY`. Neither does without the other. Who has
/// another identity there unlinks that first: `PROVIDER_LINKED`.
#[utoipa::path(put, path = "/v1/me/identities/{provider}", params(ProviderPath), request_body = LinkIdentity,
    responses((status = 200, description = "The account", body = MemberView, headers(("ETag" = String)))),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, (Path<ProviderPath>, Body<LinkIdentity>)>,
) -> Result<Answer<MemberView>, Problem> {
    let Call { who, input: (Path(ProviderPath { provider }), Body(body)), context } = call;
    let now = context.now;
    let (session, link) = store.read_for(&who, LinkKey(body.link_id), now).await?;
    let before = session.member;
    let link = link.filter(|link| {
        link.member_id == before.id && link.provider == provider && !link.expires_at.is_past(now)
    });
    let link = link.ok_or_else(|| Problem::new(codes::LINK_NOT_FOUND))?;
    if before.identity(provider).is_some_and(|linked| *linked != link.provider_id) {
        return Err(Problem::new(codes::PROVIDER_LINKED));
    }
    let purpose = Some(CodePurpose::LinkIdentity);
    let item = shown(&store, (body.code_id, &body.code), purpose, &context).await?;
    if before.email.as_ref() != Some(&item.email) {
        return Err(NotGood.into());
    }
    let mut after = Member { version: before.version + 1, updated_at: now, ..before.clone() };
    after.identities.insert(provider.to_string(), link.provider_id);
    store.transact(using(&item).and(before.becoming(&after).map(Into::into))).await?;
    let version = after.version;
    Ok(Answer::ok(after.into()).versioned(version, &context))
}

#[cfg(test)]
mod tests {
    use domain::{
        id::MemberId,
        member::{Provider, ProviderId},
        time::Time,
    };
    use serde_json::{Value, json};
    use store::{
        ephemeral::link::Link,
        identity::{
            member::{IdentityKey, MemberKey},
            session::SessionKey,
        },
    };

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, code_for, fresh_email, read, request_of, sign_in, sign_up, sign_up_body,
        store, stored,
    };

    /// Somebody who is signed in, with an identity at Kakao that waits for them.
    struct Waiting {
        email: String,
        key: SessionKey,
        link: LinkId,
        id: ProviderId,
    }

    async fn waiting() -> Waiting {
        let email = fresh_email();
        sign_up(sign_up_body(&email)).await;
        let key = sign_in(&email, PASSWORD).await.refresh_token().key();
        let (link, id): (_, ProviderId) =
            (LinkId::generate(), MemberId::generate().to_string().parse().unwrap());
        let write = Link::waiting(link, Provider::Kakao, id.clone(), key.member_id, Time::now());
        store().write(write, ()).await.unwrap();
        Waiting { email, key, link, id }
    }

    async fn link(store: Store, key: SessionKey, link: LinkId, at: Provider, code: &Value) -> Seen {
        let Call { who, context, .. } = request_of(key, Time::now());
        let mut body = code.clone();
        body["linkId"] = json!(link);
        let input = (Path(ProviderPath { provider: at }), read(body));
        Seen::of(handle(store, Call { who, input, context }).await)
    }

    async fn whose(id: &ProviderId) -> Option<MemberId> {
        let key = IdentityKey { provider: "kakao", id };
        store().get(&key).await.unwrap().map(|guard| guard.member_id)
    }

    #[test]
    fn a_link_and_a_code_together_make_an_identity_theirs() {
        stack::run(async {
            let Waiting { email, key, link: waits, id } = waiting().await;
            let code = code_for(&email, "LINK_IDENTITY").await;
            let seen = link(store(), key, waits, Provider::Kakao, &code).await;
            assert_eq!((seen.status.as_u16(), &seen.body["identities"]), (200, &json!(["kakao"])));
            assert_eq!(whose(&id).await, Some(key.member_id));
            let again = link(store(), key, waits, Provider::Kakao, &code).await;
            assert_eq!(again.told(), (400, "CODE_NOT_GOOD"));
        });
    }

    #[test]
    fn neither_does_without_the_other_and_nobody_takes_anothers() {
        stack::run(async {
            let Waiting { email, key, link: waits, id } = waiting().await;
            let other = waiting().await;
            let refused = async |waits, at, code: &Value| {
                let seen = link(store(), key, waits, at, code).await;
                assert_eq!(stored(&email).await.unwrap().identities.len(), 0);
                (seen.status.as_u16(), seen.body["code"].as_str().unwrap().to_owned())
            };
            let (no_link, no_code) =
                ((404, "LINK_NOT_FOUND".to_owned()), (400, "CODE_NOT_GOOD".to_owned()));
            let code = code_for(&email, "LINK_IDENTITY").await;
            assert_eq!(refused(LinkId::generate(), Provider::Kakao, &code).await, no_link);
            assert_eq!(refused(other.link, Provider::Kakao, &code).await, no_link);
            assert_eq!(refused(waits, Provider::Naver, &code).await, no_link);
            for code in [
                code_for(&email, "NEW_PASSWORD").await,
                code_for(&other.email, "LINK_IDENTITY").await,
                json!({ "codeId": CodeId::generate(), "code": "048215" }),
            ] {
                assert_eq!(refused(waits, Provider::Kakao, &code).await, no_code);
            }
            assert_eq!(whose(&id).await, None);
            let (late, long_ago) = (LinkId::generate(), Time::from_millis(1));
            let write = Link::waiting(late, Provider::Kakao, id, key.member_id, long_ago);
            store().write(write, ()).await.unwrap();
            assert_eq!(refused(late, Provider::Kakao, &code).await, no_link);
        });
    }

    #[test]
    fn another_identity_at_the_provider_is_unlinked_first() {
        stack::run(async {
            let Waiting { email, key, link: waits, id } = waiting().await;
            let before = stored(&email).await.unwrap();
            let mut linked = Member { version: before.version + 1, ..before.clone() };
            linked.identities.insert("kakao".into(), "another".parse().unwrap());
            store().change_member(&before, &linked).await.unwrap();
            let code = code_for(&email, "LINK_IDENTITY").await;
            let seen = link(store(), key, waits, Provider::Kakao, &code).await;
            assert_eq!(seen.told(), (409, "PROVIDER_LINKED"));
            assert_eq!((whose(&id).await, stored(&email).await), (None, Some(linked)));
        });
    }

    #[test]
    fn an_identity_that_is_a_members_by_now_stays_theirs() {
        stack::run(async {
            let Waiting { email, key, link: waits, id } = waiting().await;
            let owner = waiting().await.key.member_id;
            let before = store().get(&MemberKey(owner)).await.unwrap().unwrap();
            let mut after = Member { version: before.version + 1, ..before.clone() };
            after.identities.insert("kakao".into(), id.clone());
            store().change_member(&before, &after).await.unwrap();
            let code = code_for(&email, "LINK_IDENTITY").await;
            let seen = link(store(), key, waits, Provider::Kakao, &code).await;
            assert_eq!(seen.told(), (409, "IDENTITY_TAKEN"));
            assert_eq!(whose(&id).await, Some(owner));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let Waiting { email, key, link: waits, .. } = waiting().await;
            let code = code_for(&email, "LINK_IDENTITY").await;
            let (client, meter) = stack::metered();
            link(Store::new(client, stack::prefix()), key, waits, Provider::Kakao, &code).await;
            stack::assert_operation("link_identity", &meter.take());
        });
    }
}
