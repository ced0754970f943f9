//! What we say of each code, to people, in both languages.

use http::StatusCode;

use crate::Language;

/// Title and detail of a code. A code without words of its own speaks for its status.
pub(crate) fn of(
    code: &str,
    status: StatusCode,
    language: Language,
) -> (&'static str, &'static str) {
    let row = WORDS.iter().find(|(known, ..)| *known == code);
    let (korean, english) =
        row.map_or_else(|| of_status(status), |(_, korean, english)| (*korean, *english));
    match language {
        Language::Korean => korean,
        Language::English => english,
    }
}

type Words = (&'static str, &'static str);

#[rustfmt::skip]
const WORDS: &[(&str, Words, Words)] = &[
    // The request itself
    ("NOT_JSON", ("JSON이 아닙니다", "본문을 올바른 JSON으로 보내 주세요."), ("Not JSON", "Send a well-formed JSON body.")),
    ("NOT_JSON_TYPE", ("지원하지 않는 형식입니다", "Content-Type을 application/json으로 보내 주세요."), ("Unsupported media type", "Send the body as application/json.")),
    ("BODY_TOO_LARGE", ("본문이 너무 큽니다", "본문은 64 KiB까지 보낼 수 있습니다."), ("Body too large", "A body may have up to 64 KiB.")),
    ("INVALID_FIELDS", ("입력값이 올바르지 않습니다", "errors에 있는 항목을 고쳐 다시 보내 주세요."), ("Invalid fields", "Mend what `errors` names and send it again.")),
    ("MISSING", ("필수 항목입니다", "꼭 있어야 하는 항목입니다."), ("Missing", "This field is required.")),
    ("UNKNOWN_FIELD", ("없는 항목입니다", "이 요청에 없는 항목입니다."), ("Unknown field", "This request has no such field.")),
    ("INVALID", ("올바르지 않은 값입니다", "허용되지 않는 값입니다."), ("Invalid value", "This value is not allowed.")),
    ("CURSOR_INVALID", ("커서가 올바르지 않습니다", "목록을 처음부터 다시 읽어 주세요."), ("Invalid cursor", "Read the list again from its first page.")),
    ("IDEMPOTENCY_KEY_MISSING", ("Idempotency-Key가 없습니다", "이 요청에는 Idempotency-Key 헤더가 필요합니다."), ("Idempotency key missing", "This request needs an Idempotency-Key header.")),
    ("IDEMPOTENCY_KEY_INVALID", ("Idempotency-Key가 올바르지 않습니다", "1–255자의 ASCII 문자로 보내 주세요."), ("Idempotency key invalid", "Send 1 to 255 visible ASCII characters.")),
    ("IDEMPOTENCY_KEY_REUSED", ("이미 쓰인 Idempotency-Key입니다", "다른 요청에는 다른 키를 써 주세요."), ("Idempotency key reused", "Use another key for another request.")),
    ("IDEMPOTENCY_IN_PROGRESS", ("처리 중인 요청입니다", "같은 요청이 처리되고 있습니다. 잠시 뒤 다시 보내 주세요."), ("Still in progress", "The same request is being worked on. Send it again shortly.")),
    // Members and sessions
    ("SIGN_IN_REQUIRED", ("로그인이 필요합니다", "로그인한 뒤 다시 시도해 주세요."), ("Sign-in required", "Sign in and try again.")),
    ("TOKEN_INVALID", ("토큰이 올바르지 않습니다", "토큰이 만료되었거나 올바르지 않습니다. 새로 받아 주세요."), ("Invalid token", "The token has expired or is not valid. Get a new one.")),
    ("SESSION_ENDED", ("끝난 세션입니다", "다시 로그인해 주세요."), ("Session ended", "Sign in again.")),
    ("REFRESH_TOKEN_INVALID", ("갱신 토큰이 올바르지 않습니다", "다시 로그인해 주세요."), ("Invalid refresh token", "Sign in again.")),
    ("WRONG_EMAIL_OR_PASSWORD", ("이메일 또는 비밀번호가 다릅니다", "이메일과 비밀번호를 확인해 주세요."), ("Wrong e-mail or password", "Check the e-mail address and the password.")),
    ("EMAIL_TAKEN", ("이미 가입된 이메일입니다", "로그인하거나 다른 이메일로 가입해 주세요."), ("E-mail already registered", "Sign in, or sign up with another address.")),
    ("PHONE_TAKEN", ("이미 등록된 전화번호입니다", "다른 전화번호를 써 주세요."), ("Phone number already registered", "Use another phone number.")),
    ("ARTISTS_ONLY", ("아티스트만 할 수 있습니다", "아티스트 계정으로 로그인해 주세요."), ("Artists only", "Sign in with an artist's account.")),
    ("TOO_MANY_REQUESTS", ("요청이 너무 많습니다", "잠시 뒤 다시 시도해 주세요."), ("Too many requests", "Try again later.")),
    // Events, purchases
    ("NOT_FOUND", ("찾을 수 없습니다", "없거나 볼 수 없는 것입니다."), ("Not found", "It does not exist, or is not yours to see.")),
    ("EVENT_NOT_FOUND", ("공연을 찾을 수 없습니다", "없거나 삭제된 공연입니다."), ("Event not found", "There is no such event.")),
    ("PAYMENT_NOT_FOUND", ("결제를 찾을 수 없습니다", "없거나 볼 수 없는 결제입니다."), ("Payment not found", "It does not exist, or is not yours to see.")),
    ("SOLD_OUT", ("매진되었습니다", "남은 자리가 모자랍니다. 취소된 자리가 나올 수 있습니다."), ("Sold out", "There are not enough seats left. Some may come back.")),
    ("TICKET_LIMIT", ("예매 한도를 넘었습니다", "한 공연은 한 사람이 4장까지 살 수 있습니다."), ("Ticket limit", "One person may hold up to 4 tickets of an event.")),
    ("SALE_NOT_STARTED", ("판매 전입니다", "아직 판매가 시작되지 않았습니다."), ("Sale not started", "The sale has not started yet.")),
    ("SALE_ENDED", ("판매가 끝났습니다", "판매 기간이 지났습니다."), ("Sale ended", "The sale is over.")),
    ("EVENT_CANCELLED", ("취소된 공연입니다", "이 공연은 취소되었습니다."), ("Event cancelled", "This event has been cancelled.")),
    ("TERMS_CHANGED", ("판매 조건이 바뀌었습니다", "공연 정보를 다시 읽고 시도해 주세요."), ("Terms changed", "Read the event again and retry.")),
    ("POINTS_EXCEED_PRICE", ("포인트가 결제 금액보다 많습니다", "결제할 금액까지만 쓸 수 있습니다."), ("More points than to pay", "Use no more points than there is to pay.")),
    ("PAYMENT_REFUSED", ("결제가 거절되었습니다", "카카오페이가 결제를 거절했습니다."), ("Payment refused", "KakaoPay refused the payment.")),
    ("HOLD_ENDED", ("결제 시간이 지났습니다", "자리를 다시 잡아 주세요. 결제되지 않았습니다."), ("The hold has ended", "Reserve again. Nothing was charged.")),
    // What we stand on
    ("STORE_UNAVAILABLE", ("잠시 이용할 수 없습니다", "잠시 뒤 다시 시도해 주세요."), ("Temporarily unavailable", "Try again shortly.")),
    ("SEARCH_UNAVAILABLE", ("검색을 잠시 이용할 수 없습니다", "잠시 뒤 다시 시도해 주세요."), ("Search is temporarily unavailable", "Try again shortly.")),
    ("KAKAOPAY_UNAVAILABLE", ("카카오페이에 연결할 수 없습니다", "결제되지 않았습니다. 잠시 뒤 다시 시도해 주세요."), ("KakaoPay cannot be reached", "Nothing was charged. Try again shortly.")),
    ("STORE_OUTCOME_UNKNOWN", ("처리 결과를 확인하지 못했습니다", "같은 요청을 그대로 다시 보내 주세요. 두 번 처리되지 않습니다."), ("The outcome is not known", "Send the same request again. It is not done twice.")),
    ("SEARCH_FAILED", ("검색하지 못했습니다", "잠시 뒤 다시 시도해 주세요."), ("The search failed", "Try again shortly.")),
    ("SECRET_UNAVAILABLE", ("잠시 이용할 수 없습니다", "잠시 뒤 다시 시도해 주세요."), ("Temporarily unavailable", "Try again shortly.")),
    ("SECRET_UNREADABLE", ("서버에 문제가 있습니다", "계속되면 requestId를 알려 주세요."), ("Something went wrong here", "If it goes on, tell us the requestId.")),
    ("KAKAOPAY_OUTCOME_UNKNOWN", ("결제 결과를 확인하고 있습니다", "곧 확정됩니다. 다시 결제하지 마세요."), ("The outcome is being checked", "It will be settled shortly. Do not pay again.")),
];

fn of_status(status: StatusCode) -> (Words, Words) {
    match status.as_u16() {
        401 => (
            ("인증이 필요합니다", "로그인한 뒤 다시 시도해 주세요."),
            ("Unauthorized", "Sign in and try again."),
        ),
        403 => (
            ("권한이 없습니다", "이 요청을 할 수 없습니다."),
            ("Forbidden", "You may not do this."),
        ),
        404 => (
            ("찾을 수 없습니다", "없거나 볼 수 없는 것입니다."),
            ("Not found", "It does not exist, or is not yours to see."),
        ),
        409 => (
            ("지금은 할 수 없습니다", "현재 상태와 맞지 않는 요청입니다."),
            ("Conflict", "The current state does not allow this."),
        ),
        412 => (
            ("그 사이에 바뀌었습니다", "다시 읽고 시도해 주세요."),
            ("Changed meanwhile", "Read it again and retry."),
        ),
        429 => (
            ("요청이 너무 많습니다", "잠시 뒤 다시 시도해 주세요."),
            ("Too many requests", "Try again later."),
        ),
        500.. => (
            (
                "서버에 문제가 있습니다",
                "잠시 뒤 다시 시도해 주세요. 계속되면 requestId를 알려 주세요.",
            ),
            (
                "Something went wrong here",
                "Try again shortly. If it goes on, tell us the requestId.",
            ),
        ),
        _ => (
            ("처리할 수 없는 요청입니다", "요청을 확인해 주세요."),
            ("Cannot be done", "Check the request."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_words_once() {
        let mut codes: Vec<_> = WORDS.iter().map(|(code, ..)| code).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), WORDS.len());
    }
}
