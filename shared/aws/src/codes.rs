//! What is refused here, and what people are told then.

domain::codes! {
    Unknown TIME_OVER {
        "제시간에 끝내지 못했습니다": "같은 요청을 그대로 다시 보내 주세요. 두 번 처리되지 않습니다.",
        "Not done in time": "Send the same request again. It is not done twice.",
    }
    Unavailable SECRET_UNAVAILABLE {
        "잠시 이용할 수 없습니다": "잠시 뒤 다시 시도해 주세요.",
        "Temporarily unavailable": "Try again shortly.",
    }
    Internal SECRET_UNREADABLE {
        "서버에 문제가 있습니다": "계속되면 requestId를 알려 주세요.",
        "Something went wrong here": "If it goes on, tell us the requestId.",
    }
}
