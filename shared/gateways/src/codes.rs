//! What is refused here, and what people are told then.

domain::codes! {
    Refused KAKAOPAY_REFUSED {
        "결제가 거절되었습니다": "카카오페이가 결제를 거절했습니다.",
        "Payment refused": "KakaoPay refused the payment.",
    }
    Unavailable KAKAOPAY_UNAVAILABLE {
        "카카오페이에 연결할 수 없습니다": "결제되지 않았습니다. 잠시 뒤 다시 시도해 주세요.",
        "KakaoPay cannot be reached": "Nothing was charged. Try again shortly.",
    }
    Unknown KAKAOPAY_OUTCOME_UNKNOWN {
        "결제 결과를 확인하고 있습니다": "곧 확정됩니다. 다시 결제하지 마세요.",
        "The outcome is being checked": "It will be settled shortly. Do not pay again.",
    }
    Unavailable QUEUE_UNAVAILABLE {
        "잠시 이용할 수 없습니다": "아무것도 바뀌지 않았습니다. 잠시 뒤 다시 시도해 주세요.",
        "Temporarily unavailable": "Nothing has changed. Try again shortly.",
    }
}
