"""A trace as one HTML file that opens offline: no script, nothing fetched, everything escaped."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from app.markup import Markup, join, style, tag
from app.tracing.diff import number_text
from app.tracing.export_charts import legend, probability, seconds_text, time_chart, token_chart
from app.tracing.export_graph import Drawing, picture
from app.tracing.export_words import both, word
from app.tracing.spans import Span, Timeline, Trace, prompt_text, shared_with_previous

_MIN_SHARED_CHARS = 40
"""A shorter common beginning is no prefix worth a mark: the name of a role is the same everywhere."""


def html(trace: Trace, drawing: Drawing, *, reason: tuple[str, str] | None = None) -> str:
    """The page. What documents, people and models said in it is taken to be hostile.

    `reason` is that of the answer object in Korean and in English words.
    """
    css = Path(__file__).with_name("export.css").read_text(encoding="utf-8")
    page = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_policy(css)),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="referrer", content="no-referrer"),
            tag("title", f"묻다 · {trace.header.question or trace.header.id}"),
            style(css),
        ),
        tag("body", _switch(), tag("main", *_parts(trace, drawing, reason)), tag("footer", word("offline"))),
        lang="ko",
    )
    return f"<!DOCTYPE html>\n{page}\n"


def _policy(css: str) -> str:
    """Nothing but the page's own style sheet: what slipped through could neither run nor call home."""
    digest = b64encode(sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _switch() -> Markup:
    return tag(
        "fieldset",
        tag("label", tag("input", type="radio", name="language", id="korean", checked=True), "한국어"),
        tag("label", tag("input", type="radio", name="language", id="english"), "English"),
        class_="switch",
        aria_label="language",
    )


def _parts(trace: Trace, drawing: Drawing, reason: tuple[str, str] | None) -> Iterator[Markup]:
    yield from _head(trace, reason)
    if not trace.spans:
        yield tag("p", word("nothing"), class_="soft")
        return
    graph = picture(trace, drawing)
    charts = tag("div", *_charts(trace), class_="charts")
    if graph:
        aside = tag(
            "section",
            tag("h2", word("path")),
            graph,
            tag("p", word("path about"), class_="soft"),
            class_="path",
        )
        yield tag("div", aside, charts, class_="top")
    else:
        yield charts
    yield tag("h2", word("steps"))
    yield from _steps(trace)
    if knobs := next((run.data["knobs"] for run in trace.runs if run.data.get("knobs")), None):
        yield tag("details", tag("summary", word("settings")), _pairs(knobs), class_="card settings")


# -- what was asked


def _head(trace: Trace, reason: tuple[str, str] | None) -> Iterator[Markup]:
    header, result = trace.header, trace.result
    status = "refused" if header.refused and header.status == "done" else header.status
    asked = datetime.fromtimestamp(header.started_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    about = [
        tag("span", word(status), class_=f"badge {status}"),
        tag("span", word("asked"), f" {asked}"),
        tag("span", word("model"), " ", header.model),
        tag("code", header.id),
    ]
    answer = [tag("p", header.answer, class_=f"answer {status}")] if header.answer else []
    if why := result.get("reason"):
        told = both(*reason) if reason else why
        answer.append(tag("p", word("reason"), " · ", told, class_="reason"))
    cited = result.get("citations") or []
    if cited:
        answer.append(tag("ol", *map(_citation, cited), class_="citations"))
    yield tag("header", tag("h1", header.question or header.name), *answer, tag("p", *about, class_="about"))
    seconds = Timeline(trace).seconds
    numbers = [
        (seconds_text(seconds), "time", ""),
        (f"{header.calls:,}", "model calls", ""),
        (f"{header.evaluated_tokens:,}", "evaluated_tokens", "c-read"),
        (f"{header.cached_tokens:,}", "cached_tokens", "c-cached"),
        (f"{header.output_tokens:,}", "output_tokens", "c-out"),
    ]
    yield tag(
        "dl",
        *(
            tag("div", tag("dd", text, class_=class_ or None), tag("dt", word(key)))
            for text, key, class_ in numbers
        ),
        class_="numbers",
    )


def _citation(citation: Mapping[str, Any]) -> Markup:
    place = [PurePath(str(citation.get("source", ""))).name, citation.get("section")]
    where = " · ".join(str(part) for part in place if part)
    quoted = " ".join(str(citation.get("text", "")).split())
    return tag("li", tag("b", f"[{citation.get('n', '')}] "), tag("cite", where), " ", tag("q", quoted))


def _charts(trace: Trace) -> Iterator[Markup]:
    yield tag(
        "section",
        tag("h2", word("time chart")),
        tag("div", time_chart(trace), class_="wide"),
        legend(("d-step", "step"), ("d-read", "reading"), ("d-write", "writing")),
    )
    if trace.calls:
        named = {call.id: step.name for step in trace.steps for call in trace.calls_under(step)}
        names = [named.get(call.id, call.name) for call in trace.calls]
        yield tag(
            "section",
            tag("h2", word("token chart")),
            token_chart(trace.calls, names),
            legend(("d-cached", "cached_tokens"), ("d-read", "evaluated_tokens"), ("d-out", "output_tokens")),
            tag("p", word("token about"), class_="soft"),
        )


# -- step by step


def _steps(trace: Trace) -> Iterator[Markup]:
    shared = dict(zip((call.id for call in trace.calls), shared_with_previous(trace.calls), strict=True))
    for number, step in enumerate(trace.steps, start=1):
        calls = trace.calls_under(step)
        body = [*_own(step), *(_call(call, shared[call.id]) for call in calls), *_others(trace, step)]
        title = [
            tag("span", number, class_="no"),
            tag("span", step.name, class_="name"),
            *_chips(step, calls),
            tag("span", seconds_text(step.seconds), class_="time"),
        ]
        class_ = f"card step {step.status}"
        if body:
            content = tag("div", *body, class_="body")
            # A short page is open as it is; of a long prompt only its new part is.
            yield tag(
                "details",
                tag("summary", *title),
                content,
                class_=class_,
                id=f"step-{number}",
                open=bool(calls or step.data.get("passages")),
            )
        else:
            yield tag("div", tag("div", *title, class_="line"), class_=class_, id=f"step-{number}")


def _chips(step: Span, calls: list[Span]) -> Iterator[Markup]:
    if step.status != "done":
        yield tag("span", word(step.status), class_=f"badge {step.status}")
    for decision in step.data.get("decisions", []):
        verdict = str(decision.get("verdict", ""))
        text = f"{decision.get('name', '')} {number_text(decision.get('value'))} → {verdict}"
        yield tag("span", text, class_=f"chip {_tone(verdict)}")
    if passages := step.data.get("passages"):
        read = step.data.get("update", {}).get("shown", len(passages))
        yield tag("span", word("passages"), f" {min(read, len(passages))}/{len(passages)}", class_="chip")
    if calls:
        total = {key: sum(call.data.get(key, 0) for call in calls) for key in _TOKENS}
        yield tag(
            "span",
            tag("b", f"{total['cached_tokens']:,}", class_="c-cached"), " + ",
            tag("b", f"{total['prompt_tokens'] - total['cached_tokens']:,}", class_="c-read"), " → ",
            tag("b", f"{total['output_tokens']:,}", class_="c-out"),
            class_="numbers chip",
        )  # fmt: skip
    if step.data.get("next"):
        yield tag("span", f"→ {step.data['next']}", class_="next")


_TOKENS = ("prompt_tokens", "cached_tokens", "output_tokens")


def _tone(verdict: str) -> str:
    return {"yes": "good", "no": "bad"}.get(verdict, "held")


def _own(step: Span) -> Iterator[Markup]:
    if step.error:
        yield tag("p", step.error, class_="failure")
    if (interrupt := step.data.get("interrupt")) is not None:
        yield tag("p", word("paused"), " · ", _text(interrupt), class_="reason")
    for decision in step.data.get("decisions", []):
        yield _decision(decision)
    if step.data.get("passages"):
        yield _passages(step)
    told = {key: value for key, value in step.data.get("update", {}).items() if value is not False}
    if told:
        yield tag("details", tag("summary", word("set"), f" ({len(told)})"), _pairs(told), class_="values")


def _decision(decision: Mapping[str, Any]) -> Markup:
    value, threshold = decision.get("value"), decision.get("threshold")
    verdict = str(decision.get("verdict", ""))
    numeric = isinstance(value, int | float)
    bar = probability(float(value), threshold, _tone(verdict)) if numeric and value is not None else ""
    limit = (
        [tag("span", word("threshold"), f" {number_text(threshold)}", class_="soft")]
        if threshold is not None
        else []
    )
    signals = decision.get("signals") or {}
    told = [tag("span", tag("i", name), f" {number_text(number)}") for name, number in signals.items()]
    return tag(
        "div",
        tag("p", tag("b", decision.get("name", "")), " ", number_text(value), " ", *limit,
           tag("span", f"→ {verdict}", class_=f"chip {_tone(verdict)}")),
        bar,
        tag("p", word("signals"), " ", *told, class_="signals") if told else None,
        tag("p", decision["problem"], class_="reason") if decision.get("problem") else None,
        class_="decision",
    )  # fmt: skip


def _passages(step: Span) -> Markup:
    passages = step.data["passages"]
    read = step.data.get("update", {}).get("shown", len(passages))
    rows = []
    for number, passage in enumerate(passages, start=1):
        source = str(passage.get("source", ""))
        name = source if passage.get("web") else PurePath(source).name
        section = str(passage.get("section", ""))
        page = passage.get("page")
        place = tag(
            "p",
            tag("b", f"[{number}] "), tag("cite", name),
            tag("span", f" · {section}") if section else None,
            both(f" · {page}쪽", f" · p. {page}") if page else None,
            class_="place",
        )  # fmt: skip
        scores = tag(
            "p",
            *(
                tag("span", word(key), f" {number_text(float(passage[key]))}")
                for key in ("score", "lexical", "dense")
                if passage.get(key)
            ),
            class_="scores",
        )
        score = probability(float(passage.get("score", 0.0)), None, "plain")
        text = tag("blockquote", " ".join(str(passage.get("text", "")).split()))
        held = passage.get("held_back")
        left_out = tag("p", word("held back"), f": {held}", class_="place") if held else None
        kind = "read" if number <= read else "unread"
        rows.append(tag("li", place, score, scores, text, left_out, class_=kind))
    first, rest = rows[:read], rows[read:]
    hidden = tag(
        "details", tag("summary", word("not read"), f" ({len(rest)})"), tag("ol", *rest, class_="passages")
    )
    return join((tag("ol", *first, class_="passages"), hidden if rest else None))


def _call(call: Span, shared: int) -> Markup:
    data = call.data
    cached = data.get("cached_tokens", 0)
    read = data.get("prompt_tokens", 0) - cached
    line = [
        tag("b", word("call")),
        tag("span", data.get("model", ""), class_="soft"),
        tag("span", seconds_text(call.seconds)),
    ]
    if call.first_token_s:
        took = max(0.0, call.first_token_s - call.started_s)
        line.append(tag("span", word("reading"), f" {seconds_text(took)}", class_="soft"))
    parts = [tag("p", *line, class_="callline")]
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
            tag(
                "details",
                tag("summary", *about),
                tag("pre", text[:shared]),
                class_="prompt shared" if cached else "prompt again",
            )
        )
        text = text[shared:]
    elsewhere = cached and shared < _MIN_SHARED_CHARS  # a question before this one paid for its beginning
    label = tag(
        "p",
        word("new"), f" · {read:,}",
        *([" · ", word("cached_tokens"), f" {cached:,}"] if elsewhere else []),
        class_="label",
    )  # fmt: skip
    parts.append(tag("div", label, tag("pre", text), class_="prompt new"))
    first = data.get("first_token") or {}
    if len(first) > 1 and data.get("output_tokens") == 1:
        parts.append(tag("dl", *_first_tokens(first), class_="tokens"))
    if data.get("text"):
        parts.append(
            tag("div", tag("p", word("said"), class_="label"), tag("pre", data["text"]), class_="prompt said")
        )
    if call.error:
        parts.append(tag("p", call.error, class_="failure"))
    return tag("div", *parts, class_="call")


def _first_tokens(first: Mapping[str, float]) -> Iterator[Markup]:
    for token, share in first.items():
        yield tag("dt", json.dumps(token, ensure_ascii=False))
        yield tag("dd", probability(share, None, "plain"), f" {share:.1%}")


def _others(trace: Trace, step: Span) -> Iterator[Markup]:
    """Tools, retrievers and whatever else ran inside a step."""
    for span in trace.under(step):
        if span.kind in ("model", "step"):
            continue
        pairs: dict[str, Any] = {key: span.data[key] for key in ("input", "output") if key in span.data}
        yield tag(
            "div",
            tag("p", tag("b", span.name), tag("span", seconds_text(span.seconds)), class_="callline"),
            _pairs(pairs) if pairs else None,
            tag("p", span.error, class_="failure") if span.error else None,
            class_="call",
        )


def _pairs(values: Mapping[str, Any]) -> Markup:
    rows = (join((tag("dt", key), tag("dd", _text(value)))) for key, value in values.items())
    return tag("dl", *rows, class_="pairs")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return number_text(value)
    return json.dumps(value, ensure_ascii=False, default=str)
