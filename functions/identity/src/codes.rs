//! What is refused here, and what people are told then.

domain::codes! {
    Unauthenticated REFRESH_TOKEN_INVALID {
        "갱신 토큰이 올바르지 않습니다": "다시 로그인해 주세요.",
        "Invalid refresh token": "Sign in again.",
    }
    NotFound SESSION_NOT_FOUND {
        "세션을 찾을 수 없습니다": "없거나 다른 회원의 세션입니다.",
        "Session not found": "It does not exist, or is another member's.",
    }
    Unauthenticated WRONG_EMAIL_OR_PASSWORD {
        "이메일 또는 비밀번호가 다릅니다": "이메일과 비밀번호를 확인해 주세요.",
        "Wrong e-mail or password": "Check the e-mail address and the password.",
    }
}
