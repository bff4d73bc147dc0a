"""What the terminal and the exported page both call the parts of a trace, in Korean and English."""

WORDS: dict[str, tuple[str, str]] = {
    "done": ("완료", "done"),
    "error": ("오류", "error"),
    "interrupted": ("허락을 기다리는 중", "waiting for consent"),
    "cancelled": ("취소됨", "cancelled"),
    "unfinished": ("끝나지 않음", "unfinished"),
    "refused": ("답하지 않음", "refused"),
    "step": ("단계", "step"),
    "model": ("모델", "model"),
    "model calls": ("모델 호출", "model calls"),
    "evaluated_tokens": ("새로 읽은 토큰", "tokens read"),
    "cached_tokens": ("다시 쓴 토큰", "tokens reused"),
    "output_tokens": ("출력 토큰", "tokens written"),
}
