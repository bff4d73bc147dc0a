import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from reports import outcome, report_of

from evals.compare import compare
from evals.html import html
from evals.measures import UNGRADED
from evals.runner import Outcome

EVIL = '</pre></style><script>alert("x")</script><img src=//evil.example onerror=alert(1)>\'"&\x00\u202e'


class Page(HTMLParser):
    """Every element, its attributes, and the text that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.source = text
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

    def cells(self, *first: str) -> list[list[str]]:
        """The rows of tables that begin with these cells."""
        found = []
        for line in re.findall(r"<tr[^>]*>(.*?)</tr>", self.source, re.DOTALL):
            cells = [
                re.sub(r"<[^>]+>", "", cell.replace("<small>", " "))
                for cell in re.findall(r"<td[^>]*>(.*?)</td>", line)
            ]
            if cells[: len(first)] == list(first):
                found.append(cells)
        return found

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


def unmarked_outcomes() -> list[Outcome]:
    """Six questions without gold answers, the surer half answered; six without an answer, two answered."""
    return [
        item
        for number in range(6)
        for item in (
            outcome(f"r-{number}", kind="relevant", golds=(), evidence=0.9 - number / 10, refused=number > 2),
            outcome(f"n-{number}", kind="none", answerable=False, evidence=0.6 - number / 10, refused=number > 1),
        )
    ]  # fmt: skip


def plots_of(page: Page) -> dict[str, str]:
    """Descriptions of the plots, by title."""
    words = [word.strip() for word in page.words]
    titles = ("정확도와 시간", "정확도와 토큰", "위험과 답한 비율", "근거 확률의 보정")
    return {title: words[words.index(title) + 1] for title in titles if title in words}


def test_what_cannot_be_known_without_gold_answers_is_left_out() -> None:
    page = Page(html(report_of(unmarked_outcomes())))
    plots = plots_of(page)
    # Answered are .9, .8, .7 and of those without an answer .6, .5: two in five, of twelve.
    risk = "graph: 41.7%에 답하고 그 가운데 40.0%가 답이 없는 질문"
    assert plots.keys() == {"위험과 답한 비율", "근거 확률의 보정"} and plots["위험과 답한 비율"] == risk
    assert "모든 질문: 답할 수 있는 비율: " in plots["근거 확률의 보정"]
    assert "답한 질문" not in plots["근거 확률의 보정"]
    assert "문서에 답이 없는데도 답한 것만 위험으로 셉니다" in page.text
    assert "답이 맞은 비율은 그리지 않았습니다" in page.text and UNGRADED in page.text
    # At a glance and among the answers; beside it the shares of refusals, which are known.
    assert page.cells("graph", "전체")[0][:4] == ["graph", "전체", "12", "–"]
    assert page.cells("graph", "전체")[1][:4] == ["graph", "전체", "12", "–"]
    assert page.cells("graph", "none")[0][:4] == ["graph", "none", "6", ".667 ±.200"]


def test_one_gold_answer_more_does_not_make_the_others_known() -> None:
    wrong = outcome("g", kind="relevant", answer="18일입니다. [1]", evidence=0.95)
    plots = plots_of(Page(html(report_of([*unmarked_outcomes(), wrong]))))
    assert plots["위험과 답한 비율"] == "graph: 46.2%에 답하고 그 가운데 33.3%가 답이 없는 질문"
    assert "답한 질문" not in plots["근거 확률의 보정"]


def test_curves_that_the_questions_alone_decide_are_not_drawn() -> None:
    unmarked = [item for item in unmarked_outcomes() if item.case.answerable]
    unanswerable = [item for item in unmarked_outcomes() if not item.case.answerable]
    assert plots_of(Page(html(report_of(unmarked)))).keys() == set()
    assert plots_of(Page(html(report_of(unanswerable)))).keys() == {"정확도와 시간", "정확도와 토큰"}
    answerable = [outcome(f"q-{number}", evidence=number / 6) for number in range(6)]
    plots = plots_of(page := Page(html(report_of(answerable))))
    assert len(plots) == 4 and plots["위험과 답한 비율"] == "graph: 100.0%에 답하고 그 가운데 0.0%가 틀림"
    assert plots["근거 확률의 보정"].startswith("답한 질문: 맞은 비율: ") and UNGRADED not in page.text


def test_questions_with_nothing_to_look_into_can_be_hidden() -> None:
    half = "연차는 17일입니다. [1] 병가는 30일입니다. [1]"
    moved = outcome("e")
    moved.result["citations"][0]["start"] = 1
    bare = outcome("f", answer="연차는 17일입니다.")
    bare.result["citations"] = []
    report = report_of(
        [
            *(outcome("a"), outcome("b", refused=True), outcome("c", answerable=False, refused=True)),
            *(outcome("d", answer=half), outcome("d", answer=half, system="plain"), moved, bare),
        ]
    )
    page = Page(html(report))
    kinds = {a["id"]: a.get("class") for name, a in page.tags if name == "details" and "id" in a}
    assert kinds == {
        "q-a": "fine", "q-b": None, "q-c": "fine", "q-d": None, "q-e": None, "q-f": None,
    }  # fmt: skip
    assert "graph 맞게 거절" in page.text and "graph 잘못 거절" in page.text
    assert page.text.count("graph 인용이 뒷받침하지 않음") == 2 and "plain 인용이" not in page.text
    assert page.text.count("graph 인용이 제자리에 없음") == 1
    assert "답의 부분 2개 가운데 1개를 인용한 문단이 뒷받침하지 않습니다." in page.text
    assert "인용한 글을 모두 합쳐도" in page.text and "답에 인용이 없습니다." in page.text
    assert "graph가 틀렸거나 인용이 어긋난 질문만" in page.text


def test_a_report_of_before_citations_were_judged_shows_no_fault_of_theirs() -> None:
    report = report_of([outcome("a", answer="연차는 18일입니다. [1]", golds=["18일"])])
    for name in ("citations_stand", "citations_valid", "supported"):
        del report["questions"][0][name]
    assert "graph 인용이" not in Page(html(report)).text


@pytest.mark.parametrize("outcomes", [[outcome("a", error="gone")], [outcome("a", refused=True)]])
def test_a_report_of_nothing_much_is_a_page_too(outcomes: list[object]) -> None:
    assert "질문마다" in Page(html(report_of(outcomes))).text  # type: ignore[arg-type]
