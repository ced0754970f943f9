//! What is refused here, and what people are told then.

domain::codes! {
    Unavailable SEARCH_UNAVAILABLE {
        "검색을 잠시 이용할 수 없습니다": "잠시 뒤 다시 시도해 주세요.",
        "Search is temporarily unavailable": "Try again shortly.",
    }
    Internal SEARCH_FAILED {
        "검색하지 못했습니다": "잠시 뒤 다시 시도해 주세요.",
        "The search failed": "Try again shortly.",
    }
}
