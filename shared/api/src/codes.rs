//! What is refused here, and what people are told then.

domain::codes! {
    NotFound NOT_FOUND {
        "찾을 수 없습니다": "없거나 볼 수 없는 것입니다.",
        "Not found": "It does not exist, or is not yours to see.",
    }
    Refused NOT_JSON {
        "JSON이 아닙니다": "본문을 올바른 JSON으로 보내 주세요.",
        "Not JSON": "Send a well-formed JSON body.",
    }
    Invalid NOT_JSON_TYPE {
        "지원하지 않는 형식입니다": "Content-Type을 application/json으로, 글자는 UTF-8로 보내 주세요.",
        "Unsupported media type": "Send the body as application/json, in UTF-8.",
    }
    Invalid ENCODED {
        "지원하지 않는 압축입니다": "Content-Encoding 없이 보내 주세요.",
        "Unsupported content encoding": "Send the body without a Content-Encoding.",
    }
    Refused BROKEN_TEXT {
        "글자가 깨졌습니다": "UTF-8로 보내 주세요.",
        "Broken text": "Send text as UTF-8.",
    }
    Invalid GIVEN_TWICE {
        "두 번 적었습니다": "한 번만 적어 주세요.",
        "Given twice": "Name it once.",
    }
    Invalid BODY_TOO_LARGE {
        "본문이 너무 큽니다": "본문은 64 KiB까지 보낼 수 있습니다.",
        "Body too large": "A body may have up to 64 KiB.",
    }
    Invalid INVALID_FIELDS {
        "입력값이 올바르지 않습니다": "errors에 있는 항목을 고쳐 다시 보내 주세요.",
        "Invalid fields": "Mend what `errors` names and send it again.",
    }
    Invalid MISSING {
        "필수 항목입니다": "꼭 있어야 하는 항목입니다.",
        "Missing": "This field is required.",
    }
    Invalid UNKNOWN_FIELD {
        "없는 항목입니다": "이 요청에 없는 항목입니다.",
        "Unknown field": "This request has no such field.",
    }
    Invalid INVALID {
        "올바르지 않은 값입니다": "허용되지 않는 값입니다.",
        "Invalid value": "This value is not allowed.",
    }
    Refused CURSOR_INVALID {
        "커서가 올바르지 않습니다": "목록을 처음부터 다시 읽어 주세요.",
        "Invalid cursor": "Read the list again from its first page.",
    }
    Invalid IF_MATCH_MISSING {
        "If-Match가 없습니다": "이 요청에는 읽을 때 받은 ETag를 담은 If-Match 헤더가 필요합니다.",
        "If-Match missing": "This request needs an If-Match header with the ETag that was read.",
    }
    Invalid IF_MATCH_INVALID {
        "If-Match가 올바르지 않습니다": "읽을 때 받은 ETag를 그대로 보내 주세요.",
        "If-Match invalid": "Send the ETag as it was read.",
    }
    Invalid IDEMPOTENCY_KEY_MISSING {
        "Idempotency-Key가 없습니다": "이 요청에는 Idempotency-Key 헤더가 필요합니다.",
        "Idempotency key missing": "This request needs an Idempotency-Key header.",
    }
    Invalid IDEMPOTENCY_KEY_INVALID {
        "Idempotency-Key가 올바르지 않습니다": "1–255자의 ASCII 문자로 보내 주세요.",
        "Idempotency key invalid": "Send 1 to 255 visible ASCII characters.",
    }
    Unauthenticated TOKEN_INVALID {
        "토큰이 올바르지 않습니다": "토큰이 만료되었거나 올바르지 않습니다. 새로 받아 주세요.",
        "Invalid token": "The token has expired or is not valid. Get a new one.",
    }
}
