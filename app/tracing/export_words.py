"""The words of the exported page, Korean and English side by side; a switch in the page shows one of them."""

from app.markup import Markup, join, tag
from app.tracing.words import WORDS

_WORDS: dict[str, tuple[str, str]] = {
    **WORDS,
    "time": ("걸린 시간", "time"),
    "path": ("지나간 길", "Path taken"),
    "path about": (
        "굵은 선이 지나간 길입니다. 칸을 누르면 그 단계로 갑니다.",
        "Bold is the way that was taken. A box leads to its step.",
    ),
    "time chart": ("시간", "Time"),
    "token chart": ("프롬프트 토큰", "Prompt tokens"),
    "token about": (
        "앞 호출과 같은 앞부분은 엔진이 다시 읽지 않습니다.",
        "What a prompt shares with the one before it is not read again.",
    ),
    "steps": ("단계마다", "Step by step"),
    "reading": ("프롬프트 읽기", "reading the prompt"),
    "writing": ("쓰기", "writing"),
    "other": ("모델 밖", "outside the model"),
    "decision": ("판정", "Decision"),
    "threshold": ("문턱", "threshold"),
    "signals": ("신호", "signals"),
    "passages": ("찾은 구절", "Passages"),
    "read": ("읽음", "read"),
    "held back": ("모델에게 보여 주지 않은 지시", "Orders held back from the model"),
    "not read": ("읽지 않음", "not read"),
    "source": ("어디", "where"),
    "score": ("점수", "score"),
    "lexical": ("낱말 BM25", "words BM25"),
    "dense": ("뜻 cos", "meaning cos"),
    "text": ("내용", "text"),
    "set": ("정한 값", "Values set"),
    "call": ("모델 호출", "Model call"),
    "prompt": ("프롬프트", "Prompt"),
    "said": ("모델의 말", "Model output"),
    "first token": ("첫 토큰", "First token"),
    "shared": ("앞 호출과 같은 부분", "The same as in the call before"),
    "chars": ("자", "characters"),
    "read anew": ("같지만 다시 읽음", "the same, yet read again"),
    "new": ("새로 읽은 부분", "Read anew"),
    "answer": ("답", "Answer"),
    "reason": ("이유", "Reason"),
    "citations": ("근거", "Sources"),
    "paused": ("사람을 기다리며 멈춤", "Paused for a person"),
    "resumed": ("이어서 실행", "resumed"),
    "settings": ("설정", "Settings"),
    "asked": ("물은 때", "asked"),
    "input": ("입력", "input"),
    "result": ("결과", "output"),
    "nothing": ("이 실행에는 아직 남은 것이 없습니다.", "Nothing of this run is there yet."),
    "offline": (
        "이 파일은 이 컴퓨터에서 만들어졌고, 아무 곳에도 연결하지 않습니다.",
        "This file was made on this machine and connects to nothing.",
    ),
}


def both(korean: object, english: object, element: str = "span") -> Markup:
    """Both languages, of which the page shows one; in SVG the element is "tspan"."""
    return join((tag(element, korean, class_="ko", lang="ko"), tag(element, english, class_="en", lang="en")))


def word(key: str, element: str = "span") -> Markup:
    """A label in both languages."""
    return both(*_WORDS[key], element)
