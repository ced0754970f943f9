//! What is refused here, and what people are told then.

domain::codes! {
    NotFound PAYMENT_NOT_FOUND {
        "결제를 찾을 수 없습니다": "없거나 볼 수 없는 결제입니다.",
        "Payment not found": "It does not exist, or is not yours to see.",
    }
    Refused SOLD_OUT {
        "매진되었습니다": "남은 자리가 모자랍니다. 취소된 자리가 나올 수 있습니다.",
        "Sold out": "There are not enough seats left. Some may come back.",
    }
    Refused TICKET_LIMIT {
        "예매 한도를 넘었습니다": "한 공연은 한 사람이 4장까지 살 수 있습니다.",
        "Ticket limit": "One person may hold up to 4 tickets of an event.",
    }
    Refused PAYMENT_REFUSED {
        "결제가 거절되었습니다": "카카오페이가 결제를 거절했습니다.",
        "Payment refused": "KakaoPay refused the payment.",
    }
    Conflict ALREADY_PAID {
        "이미 결제했습니다": "결제했거나 결제하는 중이라 그만둘 수 없습니다.",
        "Already paid": "It is paid, or being paid just now, and can't be given up.",
    }
    Conflict TERMS_CHANGED {
        "판매 조건이 바뀌었습니다": "공연 정보를 다시 읽고 시도해 주세요.",
        "Terms changed": "Read the event again and retry.",
    }
}
