//! `DELETE /v1/me/identities/{provider}`: signs in with a provider no more.

use api::{Answer, Call, Path, Problem};
use store::{
    Store,
    identity::{member::Member, session::SignedIn},
};

use crate::{codes, start_social_sign_in::ProviderPath};

/// Unlinks a provider from one's own account
///
/// Who could not sign in any more is refused with `LAST_WAY_IN`: an e-mail address with a password, or another provider, has to be
/// there. What is not linked is unlinked already. A change beside another one is refused with `CHANGED_SINCE`: send it again.
#[utoipa::path(delete, path = "/v1/me/identities/{provider}", params(ProviderPath),
    responses((status = 204, description = "It is not linked")),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<ProviderPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(ProviderPath { provider }), context } = call;
    let before = store.session(&who, context.now).await?.member;
    if before.identity(provider).is_none() {
        return Ok(Answer::nothing());
    }
    let mut after =
        Member { version: before.version + 1, updated_at: context.now, ..before.clone() };
    after.identities.remove(provider.as_str());
    let knows_password = after.email.is_some() && after.password_hash.is_some();
    if !knows_password && after.identities.is_empty() {
        return Err(Problem::new(codes::LAST_WAY_IN));
    }
    store.change_member(&before, &after).await?;
    Ok(Answer::nothing())
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{MemberId, SessionId},
        member::{Provider, Role},
        time::Time,
        who::Claims,
    };
    use store::{
        Write,
        identity::{
            member::{IdentityKey, MemberKey},
            session::SessionKey,
        },
    };

    use super::*;
    use crate::testing::{Seen, request, store};

    /// Somebody who is signed in, as this changes them.
    async fn member(change: impl FnOnce(&mut Member)) -> (Member, Claims) {
        let now = Time::now();
        let mut member = stack::member(Role::User, now);
        change(&mut member);
        let (member_id, session_id) = (member.id, SessionId::generate());
        let key = SessionKey { member_id, session_id };
        let creation = member.creation().also(Write::create(&key, &stack::session(&key, now)));
        store().transact(creation).await.unwrap();
        (member, Claims { member_id, session_id, role: Role::User })
    }

    fn link(member: &mut Member, provider: Provider) {
        let id = MemberId::generate().to_string().parse().unwrap();
        member.identities.insert(provider.to_string(), id);
    }

    async fn unlink(store: Store, claims: &Claims, provider: Provider) -> Seen {
        let path = Path(ProviderPath { provider });
        Seen::of(handle(store, request(stack::caller(claims), path, Time::now())).await)
    }

    #[test]
    fn a_provider_is_unlinked_and_its_identity_is_free_again() {
        stack::run(async {
            let (before, claims) = member(|it| link(it, Provider::Kakao)).await;
            let id = before.identity(Provider::Kakao).unwrap();
            for _ in 0..2 {
                assert_eq!(unlink(store(), &claims, Provider::Kakao).await.told(), (204, ""));
            }
            let after = store().get(&MemberKey(before.id)).await.unwrap().unwrap();
            assert!(after.identities.is_empty() && after.version == before.version + 1);
            let key = IdentityKey { provider: "kakao", id };
            assert_eq!(store().get(&key).await.unwrap(), None);
        });
    }

    #[test]
    fn nobody_takes_their_last_way_in_from_themselves() {
        stack::run(async {
            let both = |it: &mut Member| {
                link(it, Provider::Kakao);
                link(it, Provider::Naver);
            };
            for (what, lacking) in [("password", 0), ("address", 1)] {
                let (before, claims) = member(|it| {
                    both(it);
                    if lacking == 0 { it.password_hash = None } else { it.email = None }
                })
                .await;
                assert_eq!(unlink(store(), &claims, Provider::Naver).await.told(), (204, ""));
                let refused = unlink(store(), &claims, Provider::Kakao).await;
                assert_eq!(refused.told(), (409, "LAST_WAY_IN"), "without {what}");
                let after = store().get(&MemberKey(before.id)).await.unwrap().unwrap();
                assert!(after.identity(Provider::Kakao).is_some());
            }
        });
    }

    /// How often somebody without a password, who gives up both providers at once, is locked out, of five.
    async fn locked_out(store: Store) -> usize {
        let mut locked_out = 0;
        for _ in 0..5 {
            let (before, claims) = member(|it| {
                link(it, Provider::Kakao);
                link(it, Provider::Naver);
                it.password_hash = None;
            })
            .await;
            tokio::join!(
                unlink(store.clone(), &claims, Provider::Kakao),
                unlink(store.clone(), &claims, Provider::Naver),
            );
            let after = store.get(&MemberKey(before.id)).await.unwrap().unwrap();
            let guards: Vec<_> = after.identities.iter().collect();
            let guards: Vec<_> =
                guards.iter().map(|(provider, id)| IdentityKey { provider, id }).collect();
            let guards = store.read_all(&guards).await.unwrap();
            locked_out += usize::from(guards.iter().all(Option::is_none));
        }
        locked_out
    }

    #[test]
    fn nor_do_two_at_once() {
        stack::run(async {
            assert_eq!(locked_out(store()).await, 0);
        });
    }

    #[test]
    fn what_only_a_newer_program_knows_is_a_way_in_and_stays() {
        stack::run(async {
            let (before, claims) = member(|it| {
                link(it, Provider::Kakao);
                let id = it.identity(Provider::Kakao).unwrap().clone();
                it.identities.insert("google".into(), id);
                it.password_hash = None;
            })
            .await;
            assert_eq!(unlink(store(), &claims, Provider::Kakao).await.told(), (204, ""));
            let after = store().get(&MemberKey(before.id)).await.unwrap().unwrap();
            assert_eq!(after.identities.keys().collect::<Vec<_>>(), ["google"]);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (_, claims) = member(|it| link(it, Provider::Kakao)).await;
            let (client, meter) = stack::metered();
            unlink(Store::new(client, stack::prefix()), &claims, Provider::Kakao).await;
            stack::assert_operation("unlink_identity", &meter.take());
        });
    }
}
