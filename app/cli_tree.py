"""A trace as a tree in the terminal, whole or step by step while it grows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from app.tracing.diff import Difference, Parting, decision_text, number_text
from app.tracing.spans import Header, Span, Status, Timeline, Trace
from app.tracing.words import WORDS
from app.wording import Language, notice_in, plain, reason_in

PIPED_WIDTH = 120
ID_CHARS = 12
"""Of an id in lists: the time in milliseconds is in these."""
_NAME_CHARS = 11
_BAR_CHARS = 24
_SHOWN_CHARS = 400
_MIN_PROBABILITY = 0.005

_STYLES: dict[Status, str] = {
    "done": "green",
    "error": "red",
    "interrupted": "yellow",
    "cancelled": "yellow",
    "unfinished": "yellow",
}
_SAYS: dict[str, tuple[str, str]] = {
    **WORDS,
    "calls": ("모델 호출 {}회", "model calls {}"),
    "read": ("새로 읽음 {:,}", "read {:,}"),
    "cached": ("다시 씀 {:,}", "reused {:,}"),
    "written": ("출력 {:,}", "written {:,}"),
    "decision": ("판정", "decision"),
    "passages": ("구절", "passages"),
    "web": ("웹", "web"),
    "held back": ("가린 지시", "held back"),
    "not shown": ("아래는 읽지 않은 구절 {}개", "{} more were not read"),
    "resumed": ("이어서", "resumed"),
    "paused": ("멈춤", "paused"),
    "question": ("질문", "question"),
    "setting": ("설정", "setting"),
    "set": ("값", "value"),
    "prompt": ("프롬프트", "prompt"),
    "text": ("모델의 말", "model output"),
    "status": ("끝난 모양", "end"),
    "next": ("다음 단계", "next step"),
    "same": (
        "두 실행은 같은 길을 갔습니다. 다른 것은 비용뿐입니다.",
        "Both runs went the same way; only the costs differ.",
    ),
    "shared": ("같은 단계", "the same"),
    "parted": ("{}번째 단계에서 갈라졌습니다: {}", "parted at step {}: {}"),
    "from the start": ("처음부터 다른 것", "different from the start"),
    "nothing": ("없음", "none"),
    "costs": ("비용", "costs"),
    "seconds": ("초", "seconds"),
    "when": ("때", "when"),
    "took": ("걸린 시간", "took"),
}


def console_for(*, stderr: bool = False) -> Console:
    """A console to draw on; what is piped gets a width of its own."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def phrase(key: str, language: Language, *values: object) -> str:
    """A label with its values filled in."""
    return _SAYS[key][language == "en"].format(*values)


def duration(seconds: float | None) -> str:
    """E.g. 3 ms, 240 ms, 1.24 s, 74 s."""
    if seconds is None:
        return "…"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"


# -- one trace


def draw(trace: Trace, language: Language, *, prompts: bool = False) -> RenderableType:
    """The whole trace: what was asked and answered, what it cost, and each step below."""
    timeline = Timeline(trace)
    tree = Tree(Group(*_heading(trace, language)), guide_style="dim")
    many = len(trace.runs) > 1
    for run in trace.runs:
        above = tree.add(_run_line(run, language)) if many else tree
        _children(above, trace, run, timeline, language, prompts=prompts)
        if not trace.header.route:
            _own(above, run, language, trace.header.question)
        if run.error:
            above.add(Text(plain(run.error), style="red"))
    return tree


def _heading(trace: Trace, language: Language) -> Iterator[Text]:
    header, result = trace.header, trace.result
    yield Text(plain(header.question), style="bold")
    if header.answer:
        yield Text(plain(header.answer), style="green" if not header.refused else "yellow")
    if reason := result.get("reason"):
        yield Text(plain(reason_in(language, str(reason))), style="yellow")
    status = "refused" if header.refused and header.status == "done" else header.status
    line = Text(phrase(status, language), style=_STYLES[header.status] if status != "refused" else "yellow")
    seconds = header.working_s or Timeline(trace).seconds
    line.append(f" · {duration(seconds)} · {phrase('calls', language, header.calls)} · ", style="dim")
    yield line.append_text(_tokens(header, language))
    began = datetime.fromtimestamp(header.started_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    yield Text(plain(f"{header.id} · {began} · {header.model}"), style="dim")


def _run_line(run: Span, language: Language) -> Text:
    line = Text(phrase("resumed", language) if run.data.get("resumed") else run.name, style="bold")
    return line.append(f"  {duration(run.seconds)}  {phrase(run.status, language)}", style="dim")


def _children(
    above: Tree, trace: Trace, parent: Span, timeline: Timeline, language: Language, *, prompts: bool
) -> None:
    for span in trace.under(parent):
        if span.kind == "model":
            call = above.add(call_line(span, language).append_text(_bar(span, timeline)))
            if prompts:
                _prompt(call, span, language)
            continue
        node = above.add(step_line(span).append_text(_bar(span, timeline)))
        if span.kind in ("tool", "search"):
            _exchange(node, span)
        _own(node, span, language, trace.header.question)
        _children(node, trace, span, timeline, language, prompts=prompts)


def step_line(span: Span) -> Text:
    """Name and time."""
    style = "bold" if span.status == "done" else f"bold {_STYLES[span.status]}"
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(plain(span.name).ljust(_NAME_CHARS), style=style)
    return line.append(duration(span.seconds).rjust(8), style="dim")


def call_line(call: Span, language: Language) -> Text:
    """What a model call took, read and wrote."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(phrase("model", language), style="magenta")
    line.append(duration(call.seconds).rjust(9) + "  ", style="dim")
    if call.status != "done":
        line.append(f"{phrase(call.status, language)}  ", style=_STYLES[call.status])
    if call.ended_s is None:
        return line
    line.append_text(_tokens(call, language)).append("  ")
    first = call.data.get("first_token", {})
    if call.data.get("output_tokens") == 1 and len(first) > 1:
        shares = [f"{token.strip()} {p:.0%}" for token, p in first.items() if p >= _MIN_PROBABILITY]
        return line.append(plain(" · ".join(shares)), style="cyan")
    return line.append(plain(f"“{_short(call.data.get('text', ''), 60)}”"), style="green")


def _tokens(of: Header | Span, language: Language) -> Text:
    if isinstance(of, Header):
        prompt, cached, written = of.prompt_tokens, of.cached_tokens, of.output_tokens
    else:
        data = of.data
        prompt, cached = data.get("prompt_tokens", 0), data.get("cached_tokens", 0)
        written = data.get("output_tokens", 0)
    line = Text(phrase("read", language, prompt - cached), style="yellow")
    line.append(" · ", style="dim").append(phrase("cached", language, cached), style="blue")
    return line.append(" · ", style="dim").append(phrase("written", language, written))


def _bar(span: Span, timeline: Timeline) -> Text:
    """Where in the whole it lies; of a model call, reading the prompt and writing apart."""
    if not timeline.seconds or span.kind == "model":
        return Text()
    start = timeline.at(span.started_s) / timeline.seconds * _BAR_CHARS
    width = max(1, round((timeline.end(span) - timeline.at(span.started_s)) / timeline.seconds * _BAR_CHARS))
    first = min(int(start), _BAR_CHARS - 1)
    bar = Text("  " + "·" * first, style="dim")
    width = min(width, _BAR_CHARS - first)
    bar.append("━" * width, style=_STYLES[span.status] if span.status != "done" else "cyan")
    return bar.append("·" * (_BAR_CHARS - first - width), style="dim")


def _own(node: Tree, span: Span, language: Language, question: str) -> None:
    """What a step decided, found and failed at."""
    for line in details(span, language, question):
        node.add(line)


def details(span: Span, language: Language, question: str) -> Iterator[Text]:
    """The lines under a step, without its model calls; what merely repeats the question is left out."""
    yield from _passages(span, language)
    for decision in span.data.get("decisions", []):
        yield _decision(decision, language)
    if (interrupt := span.data.get("interrupt")) is not None:
        yield Text(plain(f"{phrase('paused', language)}: {_short(interrupt, _SHOWN_CHARS)}"), style="yellow")
    if span.error:
        yield Text(plain(_short(span.error, _SHOWN_CHARS)), style="red")
    told = {
        key: value
        for key, value in span.data.get("update", {}).items()
        if key in _TELLING and value != question
    }
    for key, value in told.items():
        if key == "notices":
            value = [notice_in(language, str(notice)) for notice in value]
        line = Text(f"{key} ", style="dim", no_wrap=True, overflow="ellipsis")
        yield line.append(plain(_short(value, _SHOWN_CHARS)))


_TELLING = ("standalone", "query", "also", "calculation", "problem", "notices", "ended")


def _decision(decision: dict[str, Any], language: Language) -> Text:
    line = Text(f"{phrase('decision', language)} ", style="magenta")
    line.append(plain(str(decision.get("name", ""))), style="bold").append(" ")
    verdict = decision.get("verdict")
    style = {"yes": "green", "no": "red"}.get(str(verdict), "yellow")
    line.append(plain(decision_text(decision)), style=f"bold {style}")
    signals = decision.get("signals") or {}
    told = " · ".join(f"{name} {number_text(value)}" for name, value in signals.items())
    return line.append(plain(f"   {told}" if told else ""), style="dim")


def _passages(span: Span, language: Language) -> Iterator[Text]:
    passages = span.data.get("passages", [])
    shown = span.data.get("update", {}).get("shown", len(passages))
    for number, passage in enumerate(passages, start=1):
        if number == shown + 1:
            yield Text(phrase("not shown", language, len(passages) - shown), style="dim")
        read = number <= shown
        line = Text(f"[{number}] ", style="cyan" if read else "dim", no_wrap=True, overflow="ellipsis")
        scores = [
            f"{name} {number_text(float(passage[key]))}"
            for name, key in (("", "score"), ("bm25", "lexical"), ("cos", "dense"))
            if passage.get(key)
        ]
        line.append(" ".join(scores).strip() + "  ", style="yellow" if read else "dim")
        if passage.get("web"):
            line.append(f"{phrase('web', language)} ", style="magenta")
        line.append(plain(_place(passage)), style="" if read else "dim")
        yield line.append(plain(f"  {_short(passage.get('text', ''), 80)}"), style="dim")
        if held := passage.get("held_back"):
            line = Text(
                f"    {phrase('held back', language)}: ", style="red", no_wrap=True, overflow="ellipsis"
            )
            yield line.append(plain(_short(held, 120)), style="dim")


def _place(passage: dict[str, Any]) -> str:
    """The file's name, and the heading right above."""
    source = str(passage.get("source", ""))
    name = source if passage.get("web") else PurePath(source).name
    return " · ".join(part for part in (name, str(passage.get("section", "")).rpartition(" > ")[2]) if part)


def _exchange(node: Tree, span: Span) -> None:
    for key, sign in (("input", "← "), ("output", "→ ")):
        if key in span.data:
            line = Text(sign, style="dim", no_wrap=True, overflow="ellipsis")
            node.add(line.append(plain(_short(span.data[key], _SHOWN_CHARS))))


def _prompt(node: Tree, call: Span, language: Language) -> None:
    for message in call.data.get("messages", []):
        node.add(Text(plain(f"[{message['role']}]\n{message['text']}"), style="dim"))
    if call.data.get("text"):
        node.add(Text(plain(f"[{phrase('model', language)}]\n{call.data['text']}"), style="green"))


def _short(value: Any, chars: int) -> str:
    if isinstance(value, dict):
        value = " · ".join(f"{key}: {item}" for key, item in value.items())
    elif isinstance(value, list):
        value = ", ".join(map(str, value))
    text = " ".join(str(value).split())
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


# -- while it grows


@dataclass
class Watch:
    """Prints each step when it ends, from the recorder's thread: one line, or all that it did."""

    console: Console
    language: Language
    question: str
    whole: bool
    """All that it did, with its model calls; else one line."""
    _calls: dict[str, list[Span]] = field(default_factory=dict)

    def __call__(self, span: Span) -> None:
        """Take in a span that ended."""
        if span.kind in ("model", "tool", "search") and span.parent_id:
            self._calls.setdefault(span.parent_id, []).append(span)
        elif span.kind == "step":
            calls = self._calls.pop(span.id, [])
            drawn = self._tree(span, calls) if self.whole else self._line(span, calls)
            self.console.print(drawn, no_wrap=True, overflow="ellipsis")

    def _tree(self, span: Span, calls: Sequence[Span]) -> Tree:
        tree = Tree(self._to(span, step_line(span)), guide_style="dim")
        for line in details(span, self.language, self.question):
            tree.add(line)
        for call in calls:
            if call.kind == "model":
                tree.add(call_line(call, self.language))
            else:
                _exchange(tree.add(step_line(call)), call)
        return tree

    def _line(self, span: Span, calls: Sequence[Span]) -> Text:
        line = step_line(span)
        if models := [call for call in calls if call.kind == "model"]:
            total = Header(id="", name="", thread_id=None, started_s=0)
            for call in models:
                total.prompt_tokens += call.data.get("prompt_tokens", 0)
                total.cached_tokens += call.data.get("cached_tokens", 0)
                total.output_tokens += call.data.get("output_tokens", 0)
            line.append("  ").append_text(_tokens(total, self.language))
        for decision in span.data.get("decisions", []):
            line.append(plain(f"  {decision.get('name', '')} {decision_text(decision)}"), style="magenta")
        if passages := span.data.get("passages"):
            shown = span.data.get("update", {}).get("shown", len(passages))
            line.append(f"  {phrase('passages', self.language)} {shown}/{len(passages)}")
        if span.error:
            line.append(plain(f"  {_short(span.error, 120)}"), style="red")
        return self._to(span, line)

    def _to(self, span: Span, line: Text) -> Text:
        following = span.data.get("next")
        return line.append(plain(f"  → {following}"), style="dim") if following else line


# -- several traces


def listing(headers: Sequence[Header], language: Language) -> Table:
    """Traces, newest first, one a line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("id", style="cyan", no_wrap=True)
    table.add_column(phrase("when", language), no_wrap=True, style="dim")
    table.add_column(phrase("took", language), justify="right", no_wrap=True)
    tokens = phrase("evaluated_tokens", language)
    table.add_column(tokens, justify="right", min_width=cell_len(tokens), style="yellow")
    table.add_column(phrase("status", language), no_wrap=True)
    table.add_column(phrase("question", language), no_wrap=True, overflow="ellipsis", ratio=1)
    for header in headers:
        status: str = "refused" if header.refused and header.status == "done" else header.status
        style = "yellow" if status == "refused" else _STYLES[header.status]
        began = datetime.fromtimestamp(header.started_s).astimezone().strftime("%m-%d %H:%M:%S")
        table.add_row(
            header.id[:ID_CHARS],
            began,
            duration(header.working_s) if header.working_s else "…",
            f"{header.evaluated_tokens:,}",
            Text(phrase(status, language), style=style),
            Text(plain(" ".join(header.question.split()))),
        )
    return table


def parting(found: Parting, first: Header, second: Header, language: Language) -> RenderableType:
    """Where two traces parted, and their costs side by side."""
    lines: list[RenderableType] = []
    lines += [_side("A", first, "cyan"), _side("B", second, "magenta"), Text()]
    if found.before:
        lines += [Text(phrase("from the start", language), style="bold"), _beside(found.before, language)]
    if found.step is None:
        lines.append(Text(phrase("same", language) if found.same else "", style="green"))
    else:
        if found.shared:
            same = f"{phrase('shared', language)}  {' → '.join(found.shared)}"
            lines.append(Text(plain(same), style="dim"))
        names = " | ".join(dict.fromkeys(name or phrase("nothing", language) for name in found.names))
        line = phrase("parted", language, found.step + 1, plain(names))
        lines += [Text(line, style="bold yellow"), _beside(found.differences, language)]
    lines += [Text(), _costs(found, language)]
    return Group(*lines)


def _side(sign: str, header: Header, style: str) -> Text:
    line = Text(f"{sign} ", style=f"bold {style}", no_wrap=True, overflow="ellipsis")
    return line.append(plain(f"{header.id[:ID_CHARS]}  {header.question}"), style="")


def _beside(differences: Sequence[Difference], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for difference in differences:
        label = f"{phrase(difference.what, language)} {difference.name}".strip()
        nothing = phrase("nothing", language)
        pair = Text.assemble(
            ("A ", "bold cyan"), plain(difference.first) or (nothing, "dim"), "\n",
            ("B ", "bold magenta"), plain(difference.second) or (nothing, "dim"),
        )  # fmt: skip
        table.add_row(plain(label), pair)
    return table


def _costs(found: Parting, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(phrase("costs", language))
    for sign, style in (("A", "cyan"), ("B", "magenta"), ("B − A", "")):
        table.add_column(sign, justify="right", header_style=f"bold {style}")
    for name, first, second in found.costs:
        label = phrase("model calls" if name == "calls" else name, language)
        form = "{:,.2f}" if name == "seconds" else "{:,.0f}"
        change = form.replace(":", ":+").format(second - first)
        table.add_row(label, form.format(first), form.format(second), change)
    return table
