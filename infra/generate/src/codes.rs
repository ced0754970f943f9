//! What the gateway refuses by itself, before a function is asked, and what people are told then.

domain::codes! {
    NotFound ROUTE_NOT_FOUND {
        "없는 경로입니다": "주소를 확인해 주세요.",
        "Route not found": "Check the address.",
    }
    Invalid METHOD_NOT_ALLOWED {
        "허용되지 않는 메서드입니다": "Allow 헤더에 있는 메서드를 써 주세요.",
        "Method not allowed": "Use a method that the header Allow names.",
    }
    Refused BAD_REQUEST {
        "처리할 수 없는 요청입니다": "요청을 확인해 주세요.",
        "Bad request": "Check the request.",
    }
    Forbidden FORBIDDEN {
        "허용되지 않는 요청입니다": "이 요청을 할 수 없습니다.",
        "Forbidden": "You may not do this.",
    }
    Unavailable UNAVAILABLE {
        "잠시 이용할 수 없습니다": "잠시 뒤 다시 시도해 주세요.",
        "Temporarily unavailable": "Try again shortly.",
    }
}
