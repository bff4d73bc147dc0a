import re
from pathlib import Path
from typing import Any

import pytest

from app import wording
from app.wording import Language, cost_line, notice_in, place_of, plain, reason_in, say

ROOT = Path(__file__).parents[2]
HANGUL = re.compile(r"[가-힣]")

COST: dict[str, Any] = {
    "llm_calls": 4,
    "prompt_tokens": 2640,
    "cached_tokens": 1400,
    "output_tokens": 21,
    "searches": 0,
    "seconds": 3.24,
}


@pytest.mark.parametrize("key", sorted(wording._TEXT))
def test_each_phrase_is_there_in_both_languages_with_the_same_fields(key: str) -> None:
    korean, english = wording._TEXT[key]["ko"], wording._TEXT[key]["en"]
    assert HANGUL.search(korean) and not HANGUL.search(english)
    assert set(re.findall(r"\{\w+", korean)) == set(re.findall(r"\{\w+", english))


def test_values_are_filled_in() -> None:
    assert say("page", "ko", page=3) == "3쪽"
    assert say("consent", "en", query="a {b}") == "Send this query to the internet? “a {b}”"


@pytest.mark.parametrize(
    ("cost", "language", "line"),
    [
        (
            COST,
            "ko",
            "모델 호출 4회 · 새로 읽은 토큰 1,240개 · 다시 쓴 토큰 1,400개 · 출력 토큰 21개 · 3.2초",
        ),
        (COST, "en", "model calls 4 · tokens read 1,240, reused 1,400, written 21 · 3.2 s"),
        (
            COST | {"searches": 1},
            "ko",
            "모델 호출 4회 · 새로 읽은 토큰 1,240개 · 다시 쓴 토큰 1,400개 · 출력 토큰 21개 · "
            "3.2초 · 웹 검색 1회",
        ),
        (
            COST | {"searches": 1},
            "en",
            "model calls 4 · tokens read 1,240, reused 1,400, written 21 · 3.2 s · web searches 1",
        ),
    ],
)
def test_costs_on_one_line(cost: dict[str, Any], language: Language, line: str) -> None:
    assert cost_line(cost, language) == line


@pytest.mark.parametrize(
    ("citation", "korean", "english"),
    [
        (
            {"source": "취업규칙.pdf", "section": "제3장 > 휴가", "page": 7},
            "취업규칙.pdf · 제3장 > 휴가 · 7쪽",
            "취업규칙.pdf · 제3장 > 휴가 · p. 7",
        ),
        ({"source": "가격표.csv", "section": "", "page": None}, "가격표.csv", "가격표.csv"),
    ],
)
def test_where_a_citation_is(citation: dict[str, Any], korean: str, english: str) -> None:
    assert place_of(citation, "ko") == korean
    assert place_of(citation, "en") == english


@pytest.mark.parametrize(
    ("reason", "korean"),
    [
        ("no evidence: nothing was found", "관련 문서를 찾지 못했습니다."),
        ("withdrawn: it is not supported", "초안이 문서 내용과 맞지 않아 답을 거두었습니다."),
        ("budget: max_seconds reached", "시간 한도에 이르러 멈추었습니다."),
        (
            "answered in part: no evidence: nothing was found",
            "일부에만 답했습니다: 관련 문서를 찾지 못했습니다.",
        ),
        ("something of tomorrow", "something of tomorrow"),
    ],
)
def test_reasons_in_the_user_s_language(reason: str, korean: str) -> None:
    assert reason_in("ko", reason) == korean
    assert reason_in("en", reason) == reason


def reasons_of_the_graph() -> list[str]:
    """The reasons as the code writes them, with each field as X."""
    refuse = (ROOT / "graphs" / "nodes" / "refuse.py").read_text(encoding="utf-8")
    ends = (ROOT / "graphs" / "run.py").read_text(encoding="utf-8")
    budgets = [f"budget: {name} reached" for name in re.findall(r'BudgetEnd\("(\w+)"\)', ends)]
    written = re.findall(r'return f?"([^"]+)"', refuse)
    return sorted({*budgets, *(text for text in written if not text.startswith("budget: {"))})


@pytest.mark.parametrize("reason", reasons_of_the_graph())
def test_every_reason_of_the_graph_has_korean_words(reason: str) -> None:
    assert HANGUL.search(reason_in("ko", reason))


def test_the_graph_s_reasons_are_found() -> None:
    assert len(reasons_of_the_graph()) >= 6


@pytest.mark.parametrize(
    ("notice", "korean"),
    [
        ("web search is not set up", "웹 검색이 설정되어 있지 않습니다."),
        ("web search was declined", "허락하지 않아 웹 검색은 하지 않았습니다."),
        (
            "the web search found nothing, or was refused, for: 놀란",
            "웹에서 찾은 것이 없거나 검색을 거절당했습니다: 놀란",
        ),
        (
            "DuckDuckGo refused the search: too many requests. Wait a minute.",
            "검색을 너무 자주 해서 거절당했습니다(DuckDuckGo). 1분쯤 뒤에 다시 해 보세요.",
        ),
        (
            "2 passages did not fit the model's context and were left out",
            "모델이 한 번에 읽을 수 있는 양을 넘어 구절 2개를 뺐습니다.",
        ),
        ("DuckDuckGo answered 429.", "DuckDuckGo answered 429."),
    ],
)
def test_notices_in_the_user_s_language(notice: str, korean: str) -> None:
    assert notice_in("ko", notice) == korean
    assert notice_in("en", notice) == notice


def errors_of_searching() -> list[str]:
    """What goes wrong with a search on the way, as the code writes it, with each field as a word."""
    code = "".join(
        (ROOT / "tools" / name).read_text(encoding="utf-8")
        for name in ("search_backends.py", "search_log.py", "web_search.py")
    )
    written = re.findall(r'SearchError\(\s*((?:f?"[^"]*"\s*)+)', code)
    whole = ["".join(re.findall(r'"([^"]*)"', text)) for text in written]
    own = ("The search query", "The web was not searched", "The installed ddgs")
    return [re.sub(r"\{[^}]*\}", "3", text) for text in whole if not text.startswith(own)]


@pytest.mark.parametrize("error", errors_of_searching())
def test_every_failure_of_a_search_has_korean_words(error: str) -> None:
    assert HANGUL.search(notice_in("ko", error))


def test_the_failures_of_a_search_are_found() -> None:
    assert len(errors_of_searching()) >= 9


def test_every_notice_of_the_graph_has_korean_words() -> None:
    nodes = (ROOT / "graphs" / "nodes").glob("*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in nodes)
    written = re.findall(r'\*(?:state\.)?notices, f?"([^"]+)"', code)
    assert len(written) >= 4
    for notice in written:
        assert HANGUL.search(notice_in("ko", re.sub(r"\{\w+\}", "2", notice))), notice


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("연차는\t17일\n입니다 🙂 “네”", "연차는\t17일\n입니다 🙂 “네”"),
        ("\x1b[31m빨강\x1b[0m", "[31m빨강[0m"),
        ("\x1b]0;제목\x07끝", "]0;제목끝"),
        ("\x9b2J지움", "2J지움"),
        ("가\r나\x08다\x7f", "가나다"),
        ("가\u202e나\u2066다", "가나다"),
        ("가\udcff나", "가나"),
    ],
)
def test_nothing_that_a_terminal_obeys_gets_through(text: str, shown: str) -> None:
    assert plain(text) == shown
