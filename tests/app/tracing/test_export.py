import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from traces import QUESTION, passages, span, trace

from app.tracing.export import html
from app.tracing.export_charts import seconds_text
from app.tracing.export_graph import Drawing, picture
from app.tracing.spans import Header, Trace

DRAWING = Drawing(
    nodes=("__start__", "retrieve", "grade", "widen", "generate", "refuse", "__end__"),
    edges=(
        ("__start__", "retrieve"),
        ("retrieve", "grade"),
        ("grade", "widen"),
        ("widen", "grade"),
        ("grade", "generate"),
        ("grade", "refuse"),
        ("generate", "__end__"),
        ("refuse", "__end__"),
    ),
)
EVIL = (
    "</pre></title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' javascript:x"
)


class Elements(HTMLParser):
    """What a browser would see: elements with their attributes, and the text outside style."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def of_class(self, word: str) -> list[str]:
        return [name for name, attributes in self.elements if word in (attributes.get("class") or "").split()]


def hostile() -> Trace:
    made = trace()
    for text in ("name", "model", "question", "answer", "id"):
        setattr(made.header, text, EVIL)
    for item in made.spans:
        item.name = item.error = EVIL
        item.data |= {"update": {EVIL: EVIL}, "next": EVIL, "interrupt": {EVIL: EVIL}}
    made.steps[0].data["passages"] = [dict.fromkeys(("source", "section", "page", "text"), EVIL)]
    made.steps[1].data["decisions"] = [{"name": EVIL, "value": 0.5, "verdict": EVIL, "signals": {EVIL: 1.0}}]
    for call in made.calls:
        call.data |= {"text": EVIL, "model": EVIL, "first_token": {EVIL: 0.5, "b": 0.5}}
        call.data["messages"] = [{"role": EVIL, "text": EVIL}]
    made.runs[0].data |= {"knobs": {EVIL: EVIL}}
    cited = {"n": EVIL, "source": EVIL, "section": EVIL, "text": EVIL}
    made.runs[0].data["result"] = {"answer": EVIL, "reason": EVIL, "citations": [cited]}
    return made


def test_the_page_is_well_formed_and_holds_what_the_trace_holds() -> None:
    seen = Elements(html(trace(), DRAWING))
    assert seen.open == []
    for text in (
        QUESTION,
        "17일입니다. [1]",
        "취업규칙.docx",
        "evidence",
        "0.83",
        "0.48",
        "병가는 30일입니다.",
    ):
        assert text in seen.text
    assert "문서로 답하세요." in seen.text


@pytest.mark.parametrize("made", [trace(), hostile()], ids=["plain", "hostile"])
def test_nothing_runs_and_nothing_is_fetched(made: Trace) -> None:
    page = html(made, DRAWING)
    seen = Elements(page)
    assert {name for name, _ in seen.elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "form",
        "base",
    } == set()
    for name, attributes in seen.elements:
        assert not [key for key in attributes if key.startswith("on") or key in {"src", "style", "srcset"}], (
            name
        )
        assert (attributes.get("href") or "#").startswith("#")
        assert "http://" not in str(attributes) and "https://" not in str(attributes)
    css = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(css) == 1 and "url(" not in css[0] and "@import" not in css[0]


def test_hostile_text_is_shown_as_text() -> None:
    seen = Elements(html(hostile(), DRAWING))
    assert seen.open == []
    assert seen.text.count("<script>alert(1)</script>") > 10


def test_text_cannot_turn_the_page_around() -> None:
    made = trace()
    made.header.question = "가\u202e나\x1b[31m"
    page = html(made, DRAWING)
    assert "\u202e" not in page and "\x1b" not in page


def test_the_policy_allows_the_own_style_sheet_alone() -> None:
    page = html(trace(), DRAWING)
    css = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    digest = b64encode(sha256(css.encode()).digest()).decode()
    (policy,) = [m["content"] for m in Elements(page).named("meta") if m.get("http-equiv")]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_both_languages_are_there() -> None:
    seen = Elements(html(trace(), DRAWING, reason=("문서에 없습니다.", "not in the documents")))
    assert len(seen.of_class("ko")) == len(seen.of_class("en")) > 20


# -- the picture


def boxes(made: Trace) -> dict[str, str]:
    drawn = str(picture(made, DRAWING))
    return {
        name: state for state, name in re.findall(r'class="node (on|off)[^"]*">.*?<text[^>]*>([^<]*)<', drawn)
    }


def test_the_path_is_highlighted() -> None:
    assert boxes(trace()) == {
        "retrieve": "on", "grade": "on", "generate": "on", "widen": "off", "refuse": "off",
    }  # fmt: skip
    drawn = str(picture(trace(), DRAWING))
    assert drawn.count('class="edge taken"') == 4  # from the start, twice onward, to the end
    assert drawn.count('class="edge faint"') == len(DRAWING.edges) - 4


def test_a_step_that_ran_twice_says_so_and_goes_back() -> None:
    made = trace()
    steps = [
        span(number, "step", name, id=f"x{number}", data={})
        for number, name in enumerate(("retrieve", "grade", "widen", "grade", "refuse"), start=1)
    ]
    made.spans = [made.runs[0], *steps]
    drawn = str(picture(made, DRAWING))
    assert boxes(made)["widen"] == "on"
    assert "×2" in drawn and drawn.count('class="edge taken"') == 6


def test_a_paused_step_is_one_step_of_the_path() -> None:
    made = trace()
    steps = [span(n, "step", "grade", id=f"x{n}", data={}) for n in (1, 2)]
    made.spans = [made.runs[0], *steps]
    assert str(picture(made, DRAWING)).count('class="edge taken"') == 2


def test_a_graph_that_changed_since_is_drawn_with_the_steps_that_ran() -> None:
    made = trace()
    made.steps[1].name = "judge"
    assert "judge" in str(picture(made, DRAWING))


# -- prompts, tokens and time


def test_the_prefix_that_a_prompt_shares_with_the_one_before_is_marked() -> None:
    page = html(trace(), DRAWING)
    shared = re.findall(r'<details class="prompt shared">.*?<pre>(.*?)</pre>', page, re.DOTALL)
    new = re.findall(r'<div class="prompt new">.*?<pre>(.*?)</pre>', page, re.DOTALL)
    assert len(shared) == 1 and shared[0].endswith("질문: 연차 휴가는 며칠인가요? 답")
    assert [text[-8:] for text in new][1] == "하세요."[-8:]


def test_a_prefix_that_was_read_again_is_not_called_reused() -> None:
    made = trace()
    made.calls[1].data["cached_tokens"] = 0
    page = html(made, DRAWING)
    assert 'class="prompt again"' in page and 'class="prompt shared"' not in page


def test_bars_are_as_long_as_what_they_stand_for() -> None:
    page = html(trace(), DRAWING)
    chart = re.findall(r'<svg[^>]*class="flame".*', page)[0]
    found: Any = re.search(r'<title>grade · 500 ms</title>.*?x="([\d.]+)%".*?', chart) or re.search(
        r'<svg x="([\d.]+)%"[^>]*><title>grade', chart
    )
    assert found
    assert 'width="12.500%"' in chart  # half a second of four
    assert "c-cached" in page and ">60</b>" in page


def test_an_unfinished_run_is_shown_as_such() -> None:
    made = trace()
    made.header.status, made.header.ended_s = "unfinished", None
    made.runs[0].status, made.runs[0].ended_s = "unfinished", None
    made.spans = [item for item in made.spans if item.started_s < made.header.started_s + 2]
    seen = Elements(html(made, DRAWING))
    assert "끝나지 않음" in seen.text


def test_a_trace_without_spans_or_graph_is_a_page_too() -> None:
    header = Header(id="a", name="plain", thread_id=None, started_s=0.0)
    assert "아직 남은 것이 없습니다" in Elements(html(Trace(header=header, spans=[]), DRAWING)).text
    made = trace()
    made.spans = [item for item in made.spans if item.kind != "step"]
    made.runs[0].data["passages"] = passages("연차")
    for call in made.calls:
        call.parent_id = "root"
    assert "문서로 답하세요." in Elements(html(made, DRAWING)).text


def test_durations() -> None:
    assert [seconds_text(value) for value in (None, 0.0004, 0.24, 0.9996, 12.0)] == [
        "…", "0 ms", "240 ms", "1.00 s", "12.00 s",
    ]  # fmt: skip
