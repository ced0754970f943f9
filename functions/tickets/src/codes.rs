//! What is refused here, and what people are told then.

domain::codes! {
    NotFound TICKET_NOT_FOUND {
        "티켓을 찾을 수 없습니다": "없거나 다른 사람의 티켓입니다.",
        "Ticket not found": "There is no such ticket of yours.",
    }
    Conflict TICKET_WITHOUT_CODE {
        "입장할 수 없는 티켓입니다": "환불된 티켓에는 QR 코드가 없습니다.",
        "A ticket without a code": "A ticket that was given back has no QR code.",
    }
    Refused TICKET_FORGED {
        "우리가 만든 티켓이 아닙니다": "QR 코드를 다시 찍어 주세요. 계속되면 입장시키지 마세요.",
        "No ticket of ours": "Scan the code again. If it goes on, let nobody in with it.",
    }
}
