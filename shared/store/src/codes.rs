//! What is refused here, and what people are told then.

domain::codes! {
    Unavailable STORE_UNAVAILABLE {
        "잠시 이용할 수 없습니다": "잠시 뒤 다시 시도해 주세요.",
        "Temporarily unavailable": "Try again shortly.",
    }
    Unknown STORE_OUTCOME_UNKNOWN {
        "처리 결과를 확인하지 못했습니다": "같은 요청을 그대로 다시 보내 주세요. 두 번 처리되지 않습니다.",
        "The outcome is not known": "Send the same request again. It is not done twice.",
    }
    Unauthenticated SESSION_ENDED {
        "끝난 세션입니다": "다시 로그인해 주세요.",
        "Session ended": "Sign in again.",
    }
    Conflict EMAIL_TAKEN {
        "이미 가입된 이메일입니다": "로그인하거나 다른 이메일로 가입해 주세요.",
        "E-mail already registered": "Sign in, or sign up with another address.",
    }
    Refused CODE_NOT_GOOD {
        "코드가 올바르지 않습니다": "받은 코드를 다시 확인하거나 새 코드를 요청해 주세요. 코드는 5분 동안 다섯 번까지 입력할 수 있습니다.",
        "The code is not good": "Check the code that was mailed, or ask for a new one. It may be tried five times within 5 minutes.",
    }
    Conflict PHONE_TAKEN {
        "이미 등록된 전화번호입니다": "다른 전화번호를 써 주세요.",
        "Phone number already registered": "Use another phone number.",
    }
    Forbidden AGE_NEEDED {
        "나이를 확인해야 합니다": "생년월일을 넣거나 만 14세 이상이라고 밝혀 주세요.",
        "Age needed": "Give your birth date, or declare to be 14 or older.",
    }
    Forbidden EMAIL_NEEDED {
        "이메일이 필요합니다": "이메일 주소를 확인한 뒤 다시 시도해 주세요.",
        "E-mail address needed": "Verify an e-mail address, and try again.",
    }
    Conflict IDENTITY_TAKEN {
        "이미 연결된 계정입니다": "다른 회원에게 연결되어 있습니다. 그 계정으로 로그인해 주세요.",
        "Already linked": "It is linked to another member. Sign in with it.",
    }
    NotFound ARTIST_NOT_FOUND {
        "아티스트를 찾을 수 없습니다": "없거나 아티스트가 아닌 회원입니다.",
        "Artist not found": "There is no such artist.",
    }
    Refused FOLLOWS_ONESELF {
        "자신을 팔로우할 수 없습니다": "다른 아티스트를 팔로우해 주세요.",
        "One does not follow oneself": "Follow another artist.",
    }
    Refused FOLLOWS_TOO_MANY {
        "더 팔로우할 수 없습니다": "아티스트는 1,000명까지 팔로우할 수 있습니다.",
        "No more artists to follow": "One member follows 1,000 artists at most.",
    }
    NotFound DOOR_KEY_NOT_FOUND {
        "입장 확인 키를 찾을 수 없습니다": "없거나 이미 취소된 키입니다.",
        "Door key not found": "There is no such door key, or it was revoked.",
    }
    Refused DOOR_KEYS_TOO_MANY {
        "키를 더 만들 수 없습니다": "공연 하나에 키는 20개까지 만들 수 있습니다. 쓰지 않는 키를 취소해 주세요.",
        "No more door keys": "One event has 20 door keys at most. Revoke one that is not used.",
    }
    NotFound COUPON_NOT_FOUND {
        "쿠폰을 찾을 수 없습니다": "없거나 더 이상 받을 수 없는 쿠폰입니다. 코드를 다시 확인해 주세요.",
        "Coupon not found": "There is no such coupon, or it is offered no more. Check the code.",
    }
    Refused COUPON_EXPIRED {
        "기간이 지난 쿠폰입니다": "받을 수 있는 마지막 날이 지났습니다.",
        "Coupon expired": "Its last day is over.",
    }
    Refused COUPON_GONE {
        "쿠폰이 모두 소진되었습니다": "정해진 수만큼 모두 받아 갔습니다.",
        "No coupon left": "As many as there were have been claimed.",
    }
    Conflict LIVE_TICKETS {
        "아직 쓸 수 있는 티켓이 있습니다": "공연이 끝나거나 티켓을 취소한 뒤에 탈퇴할 수 있습니다.",
        "There are live tickets": "An account can be deleted when their events are over, or the tickets given back.",
    }
    Conflict RUNNING_EVENTS {
        "끝나지 않은 공연이 있습니다": "올린 공연이 끝나거나 취소된 뒤에 탈퇴할 수 있습니다.",
        "There are events that are not over": "An account can be deleted when its events are over, or called off.",
    }
    Conflict UNSETTLED_MONEY {
        "정산되지 않은 금액이 있습니다": "진행 중인 결제나 정산이 끝난 뒤에 탈퇴할 수 있습니다.",
        "Money is not settled": "An account can be deleted when its payments are done and its events are settled.",
    }
    Conflict CAPACITY_TAKEN {
        "이미 나간 자리가 더 많습니다": "팔렸거나 예매 중인 자리보다 정원을 줄일 수 없습니다. taken에 그 수가 있습니다.",
        "More seats are taken": "The capacity can't be below what is sold, held or offered; `taken` says how many that is.",
    }
    TooMany TOO_MANY_REQUESTS {
        "요청이 너무 많습니다": "잠시 뒤 다시 시도해 주세요.",
        "Too many requests": "Try again later.",
    }
    Invalid IDEMPOTENCY_KEY_REUSED {
        "이미 쓰인 Idempotency-Key입니다": "다른 요청에는 다른 키를 써 주세요.",
        "Idempotency key reused": "Use another key for another request.",
    }
    Conflict IDEMPOTENCY_IN_PROGRESS {
        "처리 중인 요청입니다": "같은 요청이 처리되고 있습니다. 잠시 뒤 다시 보내 주세요.",
        "Still in progress": "The same request is being worked on. Send it again shortly.",
    }
}
