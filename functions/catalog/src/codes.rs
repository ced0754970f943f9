//! What is refused here, and what people are told then.

domain::codes! {
    Conflict EVENT_OVER {
        "이미 끝난 공연입니다": "끝난 공연은 바꿀 수 없습니다.",
        "The event is over": "What is over can't be changed.",
    }
    Conflict QUEUE_OPEN {
        "대기열이 열려 있습니다": "판매 기간을 바꾸려면 먼저 대기열을 닫아 주세요.",
        "A queue is open": "Close the queue before you change when the sale starts or ends.",
    }
    Conflict EVENT_STARTED {
        "이미 시작한 공연입니다": "티켓이 팔린 공연은 시작한 뒤에 취소할 수 없습니다. 취소해야 한다면 문의해 주세요.",
        "The event has started": "An event with tickets sold can't be called off after its start. Write to us if it must be.",
    }
}
