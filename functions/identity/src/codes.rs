//! What is refused here, and what people are told then.

domain::codes! {
    Conflict POINTS_NOT_CONFIRMED {
        "사라질 포인트를 확인해 주세요": "포인트 잔액을 확인하고, 그 금액을 forfeitedPoints로 보내 주세요.",
        "Points would be lost": "Look at your balance of points, and send it as forfeitedPoints.",
    }
    Conflict LAST_WAY_IN {
        "마지막 로그인 방법입니다": "끊으면 다시 로그인할 수 없습니다.",
        "The last way in": "Without it nobody could sign in to the account any more.",
    }
    Unauthenticated REFRESH_TOKEN_INVALID {
        "갱신 토큰이 올바르지 않습니다": "다시 로그인해 주세요.",
        "Invalid refresh token": "Sign in again.",
    }
    NotFound SESSION_NOT_FOUND {
        "세션을 찾을 수 없습니다": "없거나 다른 회원의 세션입니다.",
        "Session not found": "It does not exist, or is another member's.",
    }
    Conflict PROVIDER_LINKED {
        "다른 계정이 연결되어 있습니다": "연결된 계정을 먼저 끊어 주세요.",
        "Another identity is linked": "Unlink that one first.",
    }
    NotFound LINK_NOT_FOUND {
        "연결할 계정을 찾을 수 없습니다": "시간이 지났거나 다른 회원의 것입니다. 카카오나 네이버로 다시 로그인해 주세요.",
        "Nothing to link": "It is over, or another member's. Sign in through Kakao or Naver again.",
    }
    Conflict EMAIL_GIVEN {
        "이메일 주소가 이미 있습니다": "계정의 이메일 주소는 바꿀 수 없습니다.",
        "The account has an e-mail address": "It can't be changed.",
    }
    Forbidden SOCIAL_ACCOUNT {
        "비밀번호가 없는 계정입니다": "카카오나 네이버로 로그인하는 계정입니다.",
        "The account has no password": "It is signed in to through Kakao or Naver.",
    }
    Refused SIGN_IN_STATE_INVALID {
        "이 로그인은 계속할 수 없습니다": "시간이 지났거나, 이미 끝났거나, 다른 브라우저에서 시작한 로그인입니다. 처음부터 다시 로그인해 주세요.",
        "This sign-in cannot go on": "It is over, or was begun in another browser. Begin again.",
    }
    Unauthenticated WRONG_EMAIL_OR_PASSWORD {
        "이메일 또는 비밀번호가 다릅니다": "이메일과 비밀번호를 확인해 주세요. 방금 가입했다면 메일로 받은 코드를 먼저 입력해 주세요.",
        "Wrong e-mail or password": "Check the e-mail address and the password. If you have just signed up, type the code that was mailed first.",
    }
    Forbidden WRONG_PASSWORD {
        "지금 비밀번호가 다릅니다": "지금 쓰는 비밀번호를 확인해 주세요.",
        "Wrong password": "Check the password that you use now.",
    }
}
