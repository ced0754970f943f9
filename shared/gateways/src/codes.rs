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
    Refused PROVIDER_REFUSED {
        "로그인하지 못했습니다": "취소되었거나 이미 쓰인 요청입니다. 처음부터 다시 로그인해 주세요.",
        "Not signed in": "It was called off, or has been used. Begin again.",
    }
    Unavailable PROVIDER_UNAVAILABLE {
        "지금은 로그인할 수 없습니다": "카카오나 네이버에서 확인하지 못했습니다. 잠시 뒤 처음부터 다시 로그인해 주세요.",
        "Cannot sign in now": "Kakao or Naver did not tell who you are. Begin again shortly.",
    }
    Unknown KAKAOPAY_OUTCOME_UNKNOWN {
        "결제 결과를 확인하고 있습니다": "곧 확정됩니다. 다시 결제하지 마세요.",
        "The outcome is being checked": "It will be settled shortly. Do not pay again.",
    }
    Unavailable QUEUE_UNAVAILABLE {
        "잠시 이용할 수 없습니다": "아무것도 바뀌지 않았습니다. 잠시 뒤 다시 시도해 주세요.",
        "Temporarily unavailable": "Nothing has changed. Try again shortly.",
    }
    Unavailable FILES_UNAVAILABLE {
        "잠시 이용할 수 없습니다": "잠시 뒤 다시 시도해 주세요.",
        "Temporarily unavailable": "Try again shortly.",
    }
}
