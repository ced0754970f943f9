//! What is refused here, and what people are told then.

crate::codes! {
    Internal INTERNAL {
        "서버에 문제가 있습니다": "잠시 뒤 다시 시도해 주세요. 계속되면 requestId를 알려 주세요.",
        "Something went wrong here": "Try again shortly. If it goes on, tell us the requestId.",
    }
    Unauthenticated SIGN_IN_REQUIRED {
        "로그인이 필요합니다": "로그인한 뒤 다시 시도해 주세요.",
        "Sign-in required": "Sign in and try again.",
    }
    Forbidden ARTISTS_ONLY {
        "아티스트만 할 수 있습니다": "아티스트 계정으로 로그인해 주세요.",
        "Artists only": "Sign in with an artist's account.",
    }
    Stale CHANGED_SINCE {
        "그사이 바뀌었습니다": "다시 읽고 바꿔 주세요.",
        "Changed since": "Read it again, and change what it is now.",
    }
    NotFound EVENT_NOT_FOUND {
        "공연을 찾을 수 없습니다": "없거나 삭제된 공연입니다.",
        "Event not found": "There is no such event.",
    }
    Refused SALE_NOT_STARTED {
        "판매 전입니다": "아직 판매가 시작되지 않았습니다.",
        "Sale not started": "The sale has not started yet.",
    }
    Refused SALE_ENDED {
        "판매가 끝났습니다": "판매 기간이 지났습니다.",
        "Sale ended": "The sale is over.",
    }
    Refused EVENT_CANCELLED {
        "취소된 공연입니다": "이 공연은 취소되었습니다.",
        "Event cancelled": "This event has been cancelled.",
    }
    Refused SALE_CLOSED {
        "지금은 판매하지 않습니다": "잠시 뒤 다시 시도해 주세요.",
        "Not on sale now": "Try again later.",
    }
    Refused POINTS_EXCEED_PRICE {
        "포인트가 결제 금액보다 많습니다": "결제할 금액까지만 쓸 수 있습니다.",
        "More points than to pay": "Use no more points than there is to pay.",
    }
    Invalid AMOUNT_NOT_PAYABLE {
        "결제할 수 없는 금액입니다": "카카오페이로는 한 번에 50원부터 2,000,000원까지 결제할 수 있습니다.",
        "Not payable": "KakaoPay takes 50 to 2,000,000 won in one payment.",
    }
    TooMany UNPAID_TOO_OFTEN {
        "결제하지 않은 예매가 많습니다": "이 공연의 자리를 여러 번 잡고 결제하지 않았습니다. 다른 사람도 살 수 있게 잠시 뒤 다시 시도해 주세요.",
        "Unpaid too often": "You held seats of this event several times and did not pay. Others may try now; come again shortly.",
    }
    Refused AFTER_START {
        "공연이 시작되었습니다": "시작한 공연은 환불할 수 없습니다.",
        "The event has started": "Tickets are not refunded once the event has started.",
    }
    Unavailable REFUND_TERMS_UNKNOWN {
        "지금은 환불할 수 없습니다": "잠시 뒤 다시 시도해 주세요.",
        "Not refunded now": "Try again shortly.",
    }
    Conflict POINTS_UNDER_REVIEW {
        "포인트를 확인하고 있습니다": "포인트 잔액이 내역과 맞는지 확인하는 동안 포인트를 쓰거나 환불할 수 없습니다. 포인트 없이 살 수 있고, 적립은 계속됩니다.",
        "The points are being checked": "Until the balance agrees with its history, points can't be spent or refunded. You can buy without them, and go on earning.",
    }
    Conflict TRANSFER_STATE {
        "지금은 할 수 없습니다": "포인트 거래의 상태가 이 요청을 허락하지 않습니다.",
        "Not in this state": "The transfer's state does not allow this.",
    }
}
