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
    Unauthenticated DOOR_KEY_NOT_GOOD {
        "쓸 수 없는 입장 확인 키입니다": "취소되었거나 기간이 지났거나 다른 공연의 키입니다. 아티스트에게 새 키를 받아 주세요.",
        "Door key not good": "It was revoked, is over, or is another event's. Ask the artist for another.",
    }
    Conflict ALREADY_CHECKED_IN {
        "이미 입장한 티켓입니다": "이 티켓으로 먼저 입장한 사람이 있습니다. first에 그 시각이 있습니다.",
        "Already checked in": "Somebody was let in with this ticket before; `first` says when.",
    }
    Conflict CHECK_IN_CONFLICT {
        "두 번 입장한 티켓입니다": "더 늦게 찍은 다른 기기의 기록이 먼저 들어왔습니다. 한 티켓으로 두 사람이 입장했습니다.",
        "Let in twice": "Another scanner's later scan was recorded before this one: two people came in with one ticket.",
    }
    Conflict TICKET_REFUNDED {
        "환불된 티켓입니다": "이 티켓으로는 입장할 수 없습니다.",
        "Ticket refunded": "It was given back, and lets nobody in.",
    }
    Refused TICKET_UNKNOWN {
        "확인할 수 없는 티켓입니다": "없는 티켓이거나 지금은 확인할 수 없습니다.",
        "Ticket unknown": "There is no such ticket, or it can't be told now what it is.",
    }
    Refused TICKET_FORGED {
        "우리가 만든 티켓이 아닙니다": "QR 코드를 다시 찍어 주세요. 계속되면 입장시키지 마세요.",
        "No ticket of ours": "Scan the code again. If it goes on, let nobody in with it.",
    }
    Refused TICKET_OF_ANOTHER_EVENT {
        "다른 공연의 티켓입니다": "티켓의 공연과 날짜를 확인해 주세요.",
        "A ticket of another event": "Check the event and the day of the ticket.",
    }
    Refused ENTRY_NOT_OPEN {
        "아직 입장할 수 없습니다": "입장은 시작 여섯 시간 전부터 확인할 수 있습니다.",
        "Entry is not open yet": "Tickets are checked in from six hours before the start.",
    }
    Refused ENTRY_CLOSED {
        "입장이 끝났습니다": "입장은 공연이 끝나고 한 시간까지 확인할 수 있습니다.",
        "Entry is closed": "Tickets are checked in until an hour after the end.",
    }
    Refused SCANNED_AHEAD {
        "기기의 시계가 맞지 않습니다": "찍은 시각이 지금보다 늦습니다. 기기의 시계를 맞춰 주세요.",
        "The scanner's clock is ahead": "It was scanned later than now. Set the scanner's clock.",
    }
    Unavailable ENTRY_UNKNOWN {
        "지금은 확인할 수 없습니다": "잠시 뒤 다시 시도해 주세요.",
        "Not checked in now": "Try again shortly.",
    }
}
