//! The letters, a kind in each file.

mod account_deleted;
mod code;
mod event_cancelled;
mod known;
mod new_device;
mod no_password;
mod password_changed;
mod receipt;
mod refunded;
mod waiting_list_offer;
mod welcome;

pub use account_deleted::account_deleted;
pub use code::code;
pub use event_cancelled::event_cancelled;
pub use known::known;
pub use new_device::new_device;
pub use no_password::no_password;
pub use password_changed::password_changed;
pub use receipt::receipt;
pub use refunded::refunded;
pub use waiting_list_offer::waiting_list_offer;
pub use welcome::welcome;

#[cfg(test)]
pub(crate) mod tests {
    use domain::{
        device::Device,
        id::{MemberId, TicketId},
        language::Language,
        member::{CodePurpose, MailedCode},
        payment::{Amounts, amounts},
        refund::Cause,
        time::Time,
        won::Won,
    };
    use store::sales::{
        payment::{Booking, Gift, Payment, Secret, Subject},
        waiting::Waiting,
    };

    use super::*;
    use crate::letter::Words;

    const CHROME: &str =
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36";

    /// A purchase of two tickets, paid in points too, of an event with a title that nobody may take for markup.
    pub fn paid(at: Time) -> Payment {
        let mut event = stack::event(50, at);
        event.title = "<i>한여름</i> 밤".parse().unwrap();
        let quantity = 2.try_into().unwrap();
        let amounts = amounts(event.price, quantity, None, Won::new(1_500)).unwrap();
        let (buyer, token) = (MemberId::generate(), Secret("token".into()));
        let mut booking = Booking::of(&(&event).into(), quantity);
        booking.ticket_ids = (0..2).map(|_| TicketId::generate()).collect();
        let mut paid = Payment::reserved(buyer, booking.into(), amounts, at, token, at);
        paid.id = "pay_01KB4ZXJ3V8Q5W7N2M6T9RHCDE".parse().unwrap();
        paid
    }

    /// What an artist was given, or points, as they are paid.
    fn lump(subject: Subject, at: Time) -> Payment {
        let (buyer, token) = (MemberId::generate(), Secret("token".into()));
        let amounts = Amounts::cash(Won::new(10_000));
        let mut paid = Payment::reserved(buyer, subject, amounts, at, token, at);
        paid.id = "pay_01KB4ZXJ3V8Q5W7N2M6T9RHCDE".parse().unwrap();
        paid
    }

    /// What somebody waited for.
    fn offered(at: Time) -> Waiting {
        let (mut event, quantity) = (stack::event(50, at), 2.try_into().unwrap());
        event.title = "<i>한여름</i> 밤".parse().unwrap();
        event.id = "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE".parse().unwrap();
        let member = MemberId::generate();
        let waiting = Waiting::joining(member, &(&event).into(), quantity, Language::Korean, at);
        waiting.offered(Vec::new(), at.plus(std::time::Duration::from_secs(1_800)), at)
    }

    /// Each kind in each language, as it is mailed. Who changes a word looks at the whole letter (`cargo insta review`).
    #[test]
    fn every_letter_looks_as_it_was_last_looked_at() {
        let at: Time = "2026-11-29T21:03:00+09:00".parse().unwrap();
        let drawn = MailedCode::of(48_215);
        let nickname = "<b>별빛</b> & \"미나\"".parse().unwrap();
        let payment = paid(at);
        let gift = Gift { artist_id: MemberId::generate(), message: None };
        let [gift, points] = [Subject::Sponsorship(gift), Subject::Points].map(|it| lump(it, at));
        let whole = |it: &Payment| it.refund(Vec::new(), Cause::BuyerAsked, at).unwrap();
        let refund =
            payment.refund(vec![payment.ticket_ids()[0]], Cause::EventChanged, at).unwrap();
        for language in [Language::Korean, Language::English] {
            let mut letters: Vec<(String, Words)> = vec![
                ("known".into(), known(language)),
                ("no_password".into(), no_password(language)),
                ("welcome".into(), welcome(&nickname, language)),
                ("password_changed".into(), password_changed(at, language)),
                ("account_deleted".into(), account_deleted(at, language)),
                (
                    "new_device".into(),
                    new_device(&Device::of(CHROME), Some("KR".parse().unwrap()), at, language),
                ),
                ("receipt_sponsorship".into(), receipt(&gift, language).unwrap()),
                ("receipt_points".into(), receipt(&points, language).unwrap()),
                ("refunded_sponsorship".into(), refunded(&gift, &whole(&gift), language).unwrap()),
                ("refunded_points".into(), refunded(&points, &whole(&points), language).unwrap()),
                ("receipt".into(), receipt(&payment, language).unwrap()),
                ("refunded".into(), refunded(&payment, &refund, language).unwrap()),
                (
                    "waiting_list_offer".into(),
                    waiting_list_offer(&offered(at), language, at).unwrap(),
                ),
                ("event_cancelled".into(), event_cancelled(&payment, language).unwrap()),
                ("new_device_unknown".into(), new_device(&Device::default(), None, at, language)),
            ];
            for purpose in CodePurpose::ALL {
                let name = format!("code_{}", purpose.as_str().to_lowercase());
                letters.push((name, code(&drawn, *purpose, language)));
            }
            for (name, words) in letters {
                let letter = words.letter(language).unwrap();
                let whole = format!("{}\n\n{}\n{}", letter.subject, letter.text, letter.html);
                insta::assert_snapshot!(format!("{name}.{}", language.tag()), whole);
            }
        }
    }

    #[test]
    fn what_a_member_is_called_is_never_markup() {
        let nickname = "<img src=x>".parse().unwrap();
        let letter = welcome(&nickname, Language::Korean).letter(Language::Korean).unwrap();
        assert!(!letter.html.contains("<img") && letter.text.contains("<img src=x>"));
    }
}
