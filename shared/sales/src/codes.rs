//! What is refused here, and what people are told then.

domain::codes! {
    NotFound PAYMENT_NOT_FOUND {
        "결제를 찾을 수 없습니다": "없거나 볼 수 없는 결제입니다.",
        "Payment not found": "It does not exist, or is not yours to see.",
    }
    Refused SOLD_OUT {
        "매진되었습니다": "남은 자리가 없습니다. 취소된 자리가 나올 수 있습니다.",
        "Sold out": "No seat is left. Some may come back.",
    }
    Refused QUEUE_NUMBER_NEEDED {
        "대기표가 필요합니다": "많은 분이 한꺼번에 예매하고 있습니다. 대기표를 받고 차례를 기다려 주세요.",
        "Take a number": "Many want to buy just now. Take a number, and wait for your turn.",
    }
    Refused NO_QUEUE {
        "대기열이 없습니다": "대기표 없이 바로 살 수 있습니다.",
        "There is no queue": "Nobody needs a number: buy at once.",
    }
    TooMany NOT_YOUR_TURN {
        "아직 차례가 아닙니다": "대기표의 차례가 되면 살 수 있습니다.",
        "Not your turn yet": "You can buy once your number is let in.",
    }
    Refused SEATS_LEFT {
        "아직 자리가 있습니다": "기다리지 않고 바로 살 수 있습니다.",
        "Seats are left": "Buy them; nobody has to wait.",
    }
    NotFound NOT_WAITING {
        "기다리고 있지 않습니다": "이 공연의 대기 명단에 없습니다.",
        "Not waiting": "You are not on the waiting list of this event.",
    }
    Conflict OFFER_OPEN {
        "받은 자리가 있습니다": "먼저 그 자리를 사거나 대기를 그만두세요.",
        "Seats are kept for you": "Buy them, or leave the waiting list first.",
    }
    Refused OFFER_OVER {
        "없거나 끝난 제안입니다": "다시 대기할 수 있습니다.",
        "No such offer is open": "It ended, was taken, or is not yours. You may wait again.",
    }
    Invalid NOT_AS_OFFERED {
        "받은 자리 수와 다릅니다": "제안받은 장수 그대로 살 수 있습니다.",
        "Not as many as were offered": "Buy as many as are kept for you.",
    }
    Refused NOT_ENOUGH_SEATS {
        "남은 자리가 모자랍니다": "남은 자리보다 많은 장수입니다.",
        "Not enough seats": "Fewer are left than you want.",
    }
    Refused TICKET_LIMIT {
        "예매 한도를 넘었습니다": "한 공연은 한 사람이 4장까지 살 수 있습니다.",
        "Ticket limit": "One person may hold up to 4 tickets of an event.",
    }
    Refused COUPON_NOT_USABLE {
        "쓸 수 없는 쿠폰입니다": "받지 않았거나, 이미 썼거나, 다른 결제에 묶였거나, 기한이 지난 쿠폰입니다.",
        "The coupon is not usable": "It was not claimed, was spent, waits with another payment, or has expired.",
    }
    Refused NOT_ENOUGH_POINTS {
        "포인트가 모자랍니다": "쓸 수 있는 포인트보다 많습니다.",
        "Not enough points": "They are more than can be spent.",
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
    Conflict NOT_REFUNDABLE {
        "환불할 것이 없습니다": "결제되지 않았거나 이미 모두 환불한 결제입니다.",
        "Nothing to refund": "It was not paid, or went back already.",
    }
    Conflict REFUND_IN_PROGRESS {
        "환불하고 있습니다": "앞선 환불이 끝난 뒤 다시 시도해 주세요.",
        "A refund is under way": "Try again when it is over.",
    }
    Refused TICKETS_NOT_LEFT {
        "환불할 수 없는 티켓입니다": "이 결제에 남아 있는 티켓만 한 번씩 적어 주세요.",
        "Not one of the tickets left": "Name tickets of this payment that are left, each once.",
    }
    Refused TICKET_USED {
        "이미 입장한 티켓입니다": "입장한 티켓은 환불할 수 없습니다.",
        "The ticket was used": "A ticket that let somebody in is not refunded.",
    }
    Refused SPONSORS_ONESELF {
        "자신은 후원할 수 없습니다": "다른 아티스트를 골라 주세요.",
        "Not oneself": "Choose another artist.",
    }
    Conflict SPONSORSHIP_SETTLED {
        "이미 정산된 후원입니다": "아티스트에게 정산된 후원은 돌려받을 수 없습니다.",
        "The sponsorship was paid out": "It is the artist's now, and does not go back.",
    }
    Conflict POINTS_SPENT {
        "이미 쓴 포인트입니다": "충전한 포인트를 일부라도 썼으면 그 충전은 환불할 수 없습니다.",
        "The points were spent": "Bought points go back for money only while all of them are there.",
    }
    Conflict QUOTE_CHANGED {
        "환불 금액이 바뀌었습니다": "새 금액을 확인하고 다시 시도해 주세요.",
        "The quote has changed": "See what goes back now, and ask again.",
    }
}
