import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from reports import outcome, report_of

from evals.compare import compare
from evals.html import html

EVIL = '</pre></style><script>alert("x")</script><img src=//evil.example onerror=alert(1)>\'"&\x00\u202e'


class Page(HTMLParser):
    """Every element, its attributes, and the text that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def hostile() -> str:
    outcomes = [
        outcome(f"id-{EVIL}", kind=f"kind-{EVIL}", question=f"질문 {EVIL}", answer=f"답 {EVIL} [1]",
                heading=f"제목 {EVIL}", source=f"문서/{EVIL}.txt", golds=[f"정답 {EVIL}"]),
        outcome("gone", error=f"오류 {EVIL}"),
        outcome("no", refused=True, reason=f"이유 {EVIL}"),
        outcome("no", system=f"기준 {EVIL}"),
    ]  # fmt: skip
    report = report_of(outcomes, suite=EVIL, corpus=EVIL, model=EVIL, embedder=EVIL, interrupted=True)
    other = report_of(outcomes[:1], model="another")
    return html(report, [compare(other, report, names=(EVIL, "this"))])


def test_hostile_text_stays_text() -> None:
    text = hostile()
    page = Page(text)
    assert page.open == []
    names = {name for name, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "form", "base"}
    for _, attributes in page.tags:
        assert not [key for key in attributes if key.startswith("on") or key in {"src", "style", "srcset"}]
        assert attributes.get("href", "#").startswith("#")  # type: ignore[union-attr]
    for what in ("질문", "답", "제목", "정답", "오류", "이유", "기준"):
        assert f'{what} </pre></style><script>alert("x")</script>' in page.text
    assert "\x00" not in text and "\ufffd" in text


def test_the_policy_allows_its_own_style_alone() -> None:
    text = hostile()
    policy = next(a["content"] for name, a in Page(text).tags if "http-equiv" in a) or ""
    css = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert css is not None
    digest = base64.b64encode(hashlib.sha256(css[1].encode()).digest()).decode()
    assert policy == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
    assert "url(" not in css[1] and "@import" not in css[1] and "http" not in css[1]


def test_the_page_shows_what_was_measured() -> None:
    outcomes = [
        item
        for number in range(12)
        for item in (
            outcome(
                f"q-{number}", kind=("leave", "pay")[number % 2], evidence=number / 12, refused=number < 3
            ),
            outcome(f"q-{number}", kind=("leave", "pay")[number % 2], system="plain", answer="18일"),
        )
    ]
    report = report_of(outcomes)
    comparison = compare(report, report, systems=("plain", "graph"))
    page = Page(html(report, [comparison]))
    plots = [
        attributes for name, attributes in page.tags if name == "svg" and attributes.get("role") == "img"
    ]
    assert len(plots) == 4
    for words in (
        "위험과 답한 비율",
        "근거 확률의 보정",
        "맞은 질문의 비율",
        "비교: graph − plain",
        "나아짐",
        "여섯 개가 안 되거나 구간이 0을 품으면",
    ):
        assert words in page.text
    ids = [attributes["id"] for name, attributes in page.tags if name == "details" and "id" in attributes]
    assert ids == [f"q-q-{number}" for number in (*range(0, 12, 2), *range(1, 12, 2))]
    links = [attributes["href"] for name, attributes in page.tags if name == "a"]
    assert links == [f"#q-{case_id}" for case_id in comparison.gained] and len(links) == 9
    assert "retrieve > generate" in page.text and "17일" in page.text and "3쪽" in page.text
    assert "찾은 문단 1, 모델에 보인 것 1" in page.text and "0.900" in page.text
    assert "중단된" not in page.text


def test_questions_that_the_graph_got_right_can_be_hidden() -> None:
    report = report_of(
        [outcome("a"), outcome("b", refused=True), outcome("c", answerable=False, refused=True)]
    )
    page = Page(html(report))
    kinds = {a["id"]: a.get("class") for name, a in page.tags if name == "details" and "id" in a}
    assert kinds == {"q-a": "fine", "q-b": None, "q-c": "fine"}
    assert "graph 맞게 거절" in page.text and "graph 잘못 거절" in page.text


@pytest.mark.parametrize("outcomes", [[outcome("a", error="gone")], [outcome("a", refused=True)]])
def test_a_report_of_nothing_much_is_a_page_too(outcomes: list[object]) -> None:
    assert "질문마다" in Page(html(report_of(outcomes))).text  # type: ignore[arg-type]
