"""A trace as one HTML file that opens offline: no script, nothing fetched, everything escaped."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from app.tracing.diff import number_text
from app.tracing.export_charts import legend, probability, seconds_text, time_chart, token_chart
from app.tracing.export_graph import Drawing, picture
from app.tracing.export_markup import Html, el, joined, sheet
from app.tracing.export_words import both, word
from app.tracing.spans import Span, Timeline, Trace, prompt_text, shared_with_previous

_MIN_SHARED_CHARS = 40
"""A shorter common beginning is no prefix worth a mark: the name of a role is the same everywhere."""


def html(trace: Trace, drawing: Drawing, *, reason: tuple[str, str] | None = None) -> str:
    """The page. What documents, people and models said in it is taken to be hostile.

    `reason` is that of the answer object in Korean and in English words.
    """
    css = Path(__file__).with_name("export.css").read_text(encoding="utf-8")
    page = el(
        "html",
        el(
            "head",
            el("meta", charset="utf-8"),
            el("meta", http_equiv="Content-Security-Policy", content=_policy(css)),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="referrer", content="no-referrer"),
            el("title", f"묻다 · {trace.header.question or trace.header.id}"),
            sheet(css),
        ),
        el("body", _switch(), el("main", *_parts(trace, drawing, reason)), el("footer", word("offline"))),
        lang="ko",
    )
    return f"<!DOCTYPE html>\n{page}\n"


def _policy(css: str) -> str:
    """Nothing but the page's own style sheet: what slipped through could neither run nor call home."""
    digest = b64encode(sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _switch() -> Html:
    return el(
        "fieldset",
        el("label", el("input", type="radio", name="language", id="korean", checked=True), "한국어"),
        el("label", el("input", type="radio", name="language", id="english"), "English"),
        class_="switch",
        aria_label="language",
    )


def _parts(trace: Trace, drawing: Drawing, reason: tuple[str, str] | None) -> Iterator[Html]:
    yield from _head(trace, reason)
    if not trace.spans:
        yield el("p", word("nothing"), class_="soft")
        return
    graph = picture(trace, drawing)
    charts = el("div", *_charts(trace), class_="charts")
    if graph:
        aside = el(
            "section",
            el("h2", word("path")),
            graph,
            el("p", word("path about"), class_="soft"),
            class_="path",
        )
        yield el("div", aside, charts, class_="top")
    else:
        yield charts
    yield el("h2", word("steps"))
    yield from _steps(trace)
    if knobs := next((run.data["knobs"] for run in trace.runs if run.data.get("knobs")), None):
        yield el("details", el("summary", word("settings")), _pairs(knobs), class_="card settings")


# -- what was asked


def _head(trace: Trace, reason: tuple[str, str] | None) -> Iterator[Html]:
    header, result = trace.header, trace.result
    status = "refused" if header.refused and header.status == "done" else header.status
    asked = datetime.fromtimestamp(header.started_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    about = [
        el("span", word(status), class_=f"badge {status}"),
        el("span", word("asked"), f" {asked}"),
        el("span", word("model"), " ", header.model),
        el("code", header.id),
    ]
    answer = [el("p", header.answer, class_=f"answer {status}")] if header.answer else []
    if why := result.get("reason"):
        told = both(*reason) if reason else why
        answer.append(el("p", word("reason"), " · ", told, class_="reason"))
    cited = result.get("citations") or []
    if cited:
        answer.append(el("ol", *map(_citation, cited), class_="citations"))
    yield el("header", el("h1", header.question or header.name), *answer, el("p", *about, class_="about"))
    seconds = Timeline(trace).seconds
    numbers = [
        (seconds_text(seconds), "time", ""),
        (f"{header.calls:,}", "model calls", ""),
        (f"{header.evaluated_tokens:,}", "evaluated_tokens", "c-read"),
        (f"{header.cached_tokens:,}", "cached_tokens", "c-cached"),
        (f"{header.output_tokens:,}", "output_tokens", "c-out"),
    ]
    yield el(
        "dl",
        *(
            el("div", el("dd", text, class_=class_ or None), el("dt", word(key)))
            for text, key, class_ in numbers
        ),
        class_="numbers",
    )


def _citation(citation: Mapping[str, Any]) -> Html:
    place = [PurePath(str(citation.get("source", ""))).name, citation.get("section")]
    where = " · ".join(str(part) for part in place if part)
    quoted = " ".join(str(citation.get("text", "")).split())
    return el("li", el("b", f"[{citation.get('n', '')}] "), el("cite", where), " ", el("q", quoted))


def _charts(trace: Trace) -> Iterator[Html]:
    yield el(
        "section",
        el("h2", word("time chart")),
        el("div", time_chart(trace), class_="wide"),
        legend(("d-step", "step"), ("d-read", "reading"), ("d-write", "writing")),
    )
    if trace.calls:
        named = {call.id: step.name for step in trace.steps for call in trace.calls_under(step)}
        names = [named.get(call.id, call.name) for call in trace.calls]
        yield el(
            "section",
            el("h2", word("token chart")),
            token_chart(trace.calls, names),
            legend(("d-cached", "cached_tokens"), ("d-read", "evaluated_tokens"), ("d-out", "output_tokens")),
            el("p", word("token about"), class_="soft"),
        )


# -- step by step


def _steps(trace: Trace) -> Iterator[Html]:
    shared = dict(zip((call.id for call in trace.calls), shared_with_previous(trace.calls), strict=True))
    for number, step in enumerate(trace.steps, start=1):
        calls = trace.calls_under(step)
        body = [*_own(step), *(_call(call, shared[call.id]) for call in calls), *_others(trace, step)]
        title = [
            el("span", number, class_="no"),
            el("span", step.name, class_="name"),
            *_chips(step, calls),
            el("span", seconds_text(step.seconds), class_="time"),
        ]
        class_ = f"card step {step.status}"
        if body:
            content = el("div", *body, class_="body")
            # A short page is open as it is; of a long prompt only its new part is.
            yield el(
                "details",
                el("summary", *title),
                content,
                class_=class_,
                id=f"step-{number}",
                open=bool(calls or step.data.get("passages")),
            )
        else:
            yield el("div", el("div", *title, class_="line"), class_=class_, id=f"step-{number}")


def _chips(step: Span, calls: list[Span]) -> Iterator[Html]:
    if step.status != "done":
        yield el("span", word(step.status), class_=f"badge {step.status}")
    for decision in step.data.get("decisions", []):
        verdict = str(decision.get("verdict", ""))
        text = f"{decision.get('name', '')} {number_text(decision.get('value'))} → {verdict}"
        yield el("span", text, class_=f"chip {_tone(verdict)}")
    if passages := step.data.get("passages"):
        read = step.data.get("update", {}).get("shown", len(passages))
        yield el("span", word("passages"), f" {min(read, len(passages))}/{len(passages)}", class_="chip")
    if calls:
        total = {key: sum(call.data.get(key, 0) for call in calls) for key in _TOKENS}
        yield el(
            "span",
            el("b", f"{total['cached_tokens']:,}", class_="c-cached"), " + ",
            el("b", f"{total['prompt_tokens'] - total['cached_tokens']:,}", class_="c-read"), " → ",
            el("b", f"{total['output_tokens']:,}", class_="c-out"),
            class_="numbers chip",
        )  # fmt: skip
    if step.data.get("next"):
        yield el("span", f"→ {step.data['next']}", class_="next")


_TOKENS = ("prompt_tokens", "cached_tokens", "output_tokens")


def _tone(verdict: str) -> str:
    return {"yes": "good", "no": "bad"}.get(verdict, "held")


def _own(step: Span) -> Iterator[Html]:
    if step.error:
        yield el("p", step.error, class_="failure")
    if (interrupt := step.data.get("interrupt")) is not None:
        yield el("p", word("paused"), " · ", _text(interrupt), class_="reason")
    for decision in step.data.get("decisions", []):
        yield _decision(decision)
    if step.data.get("passages"):
        yield _passages(step)
    told = {key: value for key, value in step.data.get("update", {}).items() if value is not False}
    if told:
        yield el("details", el("summary", word("set"), f" ({len(told)})"), _pairs(told), class_="values")


def _decision(decision: Mapping[str, Any]) -> Html:
    value, threshold = decision.get("value"), decision.get("threshold")
    verdict = str(decision.get("verdict", ""))
    numeric = isinstance(value, int | float)
    bar = probability(float(value), threshold, _tone(verdict)) if numeric and value is not None else ""
    limit = (
        [el("span", word("threshold"), f" {number_text(threshold)}", class_="soft")]
        if threshold is not None
        else []
    )
    signals = decision.get("signals") or {}
    told = [el("span", el("i", name), f" {number_text(number)}") for name, number in signals.items()]
    return el(
        "div",
        el("p", el("b", decision.get("name", "")), " ", number_text(value), " ", *limit,
           el("span", f"→ {verdict}", class_=f"chip {_tone(verdict)}")),
        bar,
        el("p", word("signals"), " ", *told, class_="signals") if told else None,
        el("p", decision["problem"], class_="reason") if decision.get("problem") else None,
        class_="decision",
    )  # fmt: skip


def _passages(step: Span) -> Html:
    passages = step.data["passages"]
    read = step.data.get("update", {}).get("shown", len(passages))
    rows = []
    for number, passage in enumerate(passages, start=1):
        source = str(passage.get("source", ""))
        name = source if passage.get("web") else PurePath(source).name
        section = str(passage.get("section", ""))
        page = passage.get("page")
        place = el(
            "p",
            el("b", f"[{number}] "), el("cite", name),
            el("span", f" · {section}") if section else None,
            both(f" · {page}쪽", f" · p. {page}") if page else None,
            class_="place",
        )  # fmt: skip
        scores = el(
            "p",
            *(
                el("span", word(key), f" {number_text(float(passage[key]))}")
                for key in ("score", "lexical", "dense")
                if passage.get(key)
            ),
            class_="scores",
        )
        score = probability(float(passage.get("score", 0.0)), None, "plain")
        text = el("blockquote", " ".join(str(passage.get("text", "")).split()))
        held = passage.get("held_back")
        left_out = el("p", word("held back"), f": {held}", class_="place") if held else None
        kind = "read" if number <= read else "unread"
        rows.append(el("li", place, score, scores, text, left_out, class_=kind))
    first, rest = rows[:read], rows[read:]
    hidden = el(
        "details", el("summary", word("not read"), f" ({len(rest)})"), el("ol", *rest, class_="passages")
    )
    return joined(el("ol", *first, class_="passages"), hidden if rest else None)


def _call(call: Span, shared: int) -> Html:
    data = call.data
    cached = data.get("cached_tokens", 0)
    read = data.get("prompt_tokens", 0) - cached
    line = [
        el("b", word("call")),
        el("span", data.get("model", ""), class_="soft"),
        el("span", seconds_text(call.seconds)),
    ]
    if call.first_token_s:
        took = max(0.0, call.first_token_s - call.started_s)
        line.append(el("span", word("reading"), f" {seconds_text(took)}", class_="soft"))
    parts = [el("p", *line, class_="callline")]
    text = prompt_text(call) if data.get("messages") else ""
    if shared >= _MIN_SHARED_CHARS:
        key = "cached_tokens" if cached else "read anew"
        count = cached if cached else 0
        about = [
            word("shared"),
            f" · {shared:,} ",
            word("chars"),
            " · ",
            word(key),
            f" {count:,}" if count else None,
        ]
        parts.append(
            el(
                "details",
                el("summary", *about),
                el("pre", text[:shared]),
                class_="prompt shared" if cached else "prompt again",
            )
        )
        text = text[shared:]
    elsewhere = cached and shared < _MIN_SHARED_CHARS  # a question before this one paid for its beginning
    label = el(
        "p",
        word("new"), f" · {read:,}",
        *([" · ", word("cached_tokens"), f" {cached:,}"] if elsewhere else []),
        class_="label",
    )  # fmt: skip
    parts.append(el("div", label, el("pre", text), class_="prompt new"))
    first = data.get("first_token") or {}
    if len(first) > 1 and data.get("output_tokens") == 1:
        parts.append(el("dl", *_first_tokens(first), class_="tokens"))
    if data.get("text"):
        parts.append(
            el("div", el("p", word("said"), class_="label"), el("pre", data["text"]), class_="prompt said")
        )
    if call.error:
        parts.append(el("p", call.error, class_="failure"))
    return el("div", *parts, class_="call")


def _first_tokens(first: Mapping[str, float]) -> Iterator[Html]:
    for token, share in first.items():
        yield el("dt", json.dumps(token, ensure_ascii=False))
        yield el("dd", probability(share, None, "plain"), f" {share:.1%}")


def _others(trace: Trace, step: Span) -> Iterator[Html]:
    """Tools, retrievers and whatever else ran inside a step."""
    for span in trace.under(step):
        if span.kind in ("model", "step"):
            continue
        pairs: dict[str, Any] = {key: span.data[key] for key in ("input", "output") if key in span.data}
        yield el(
            "div",
            el("p", el("b", span.name), el("span", seconds_text(span.seconds)), class_="callline"),
            _pairs(pairs) if pairs else None,
            el("p", span.error, class_="failure") if span.error else None,
            class_="call",
        )


def _pairs(values: Mapping[str, Any]) -> Html:
    rows = (joined(el("dt", key), el("dd", _text(value))) for key, value in values.items())
    return el("dl", *rows, class_="pairs")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return number_text(value)
    return json.dumps(value, ensure_ascii=False, default=str)
