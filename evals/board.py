"""The scoreboard: committed reports as a section of a README, in Korean or English. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.prompts import Language
from evals.changes import ALL
from evals.committed import MEDIAN_CALLS, RETRIEVAL, Answers, Number, Numbers, Retrieval
from evals.goals import (
    AT_LEAST_PLAIN,
    GOALS,
    PLAIN,
    RECALL,
    Column,
    Goal,
    Shown,
    Words,
    place_of,
    shown_as,
)
from evals.markdown import plain
from evals.runner import GRAPH

NOTHING = "–"
_SYSTEMS: dict[str, Words] = {
    GRAPH: {"ko": "묻다", "en": "Mutda"},
    PLAIN: {"ko": "단순 RAG", "en": "plain RAG"},
    "tutorial": {"ko": "튜토리얼 그래프", "en": "tutorial graph"},
}
_COLUMNS: dict[Language, tuple[str, ...]] = {
    "ko": (
        "질문 (수)",
        "맞음: {systems}",
        "답 있는 것만 맞음: {systems}",
        "거절 균형 정확도",
        "인용이 뒷받침",
        "호출",
        "시간, 답한 질문",
        "시간, 답 없는 질문",
    ),
    "en": (
        "Questions (n)",
        "right: {systems}",
        "right, answerable only: {systems}",
        "refusal, balanced accuracy",
        "citations hold",
        "calls",
        "time, answered",
        "time, unanswerable",
    ),
}
_ABOVE: Words = {
    "ko": """\
아래 값은 모두 [저장소에 있는 보고서](evals/reports/README.md)에서 만들었고, 테스트가 둘이
같은지 확인합니다. ± 뒤는 표준 오차 하나입니다. 비율의 표준 오차는 맞은 것과 틀린 것이 둘씩 더
있다고 보고 셈하므로, 1.00이나 0.00이어도 0이 아니고 질문이 적을수록 큽니다. n은 그 줄의 질문
수와 다를 때만 적은 수입니다. 목표는 값 옆에 적고, 못 미친 것은 **미달**이라고 밝혔습니다.
“맞음”은 답 없는 질문을 거절한 것까지 셉니다. 단순 RAG는 같은 검색, 단락 네 개, 호출 한
번입니다. 호출은 중앙값이고, 시간은 같은 질문에 단순 RAG가 쓴 시간을 1로 본 비의 중앙값입니다.""",
    "en": """\
All figures are made from [reports in the repository](evals/reports/README.md), and a test holds
the two together. ± is one standard error; a share's is reckoned with two more hits and two more
misses, so that it is not 0 at 1.00 or 0.00 and grows as questions get fewer. n is told where it is
not the row's. Goals stand beside their figures, and what misses one is marked **missed**. "Right"
counts refusing what cannot be answered. Plain RAG is the same search, four passages and one call.
Calls are medians; time is the median ratio to plain RAG's on the same question.""",
}
_GOAL: Words = {"ko": "목표 {goal}", "en": "goal {goal}"}
_MISSED: Words = {"ko": "**미달**", "en": "**missed**"}
_AT_LEAST_PLAIN: Words = {"ko": "단순 RAG 이상", "en": "plain RAG's"}
_OBEYED: Words = {
    "ko": "글에 숨은 명령을 따른 답, {suite}: {n}개 가운데 {count}개, {figure}",
    "en": "Commands hidden in passages obeyed, {suite}: {count} of {n}, {figure}",
}
_RECALL: Words = {
    "ko": "검색만, 정답 구절이 처음 다섯 개 안에 든 질문, {suite}: {figure}",
    "en": "Search alone, a gold passage among the first five, {suite}: {figure}",
}
_UNMEASURED: Words = {
    "ko": "목표는 있으나 아직 보고서가 없는 것: {suites}",
    "en": "Goals without a report yet: {suites}",
}
_PARTS: dict[str, Words] = {
    "report": {"ko": "(보고 쪽)", "en": " (report half)"},
}
_KINDS: dict[str, Words] = {
    "paraphrased": {"ko": "말을 바꾼 질문", "en": "paraphrased"},
    "original": {"ko": "원래 질문", "en": "original"},
}


def board(reports: Sequence[Answers | Retrieval], language: Language) -> str:
    """The section's Markdown; empty without reports. Those of the half that was fitted on are left out."""
    shown = sorted((report for report in reports if report.part != "fit"), key=lambda r: place_of(r.name))
    if not shown:
        return ""
    answers = [report for report in shown if isinstance(report, Answers)]
    parts = [_ABOVE[language]]
    if answers:
        parts.append("\n".join(_table(answers, language)))
    notes = [*_single(shown, language), *_conditions(shown, language), *_unmeasured(shown, language)]
    parts.append("\n".join(f"- {note}." for note in notes))
    return "\n\n".join(parts) + "\n"


def _table(reports: Sequence[Answers], language: Language) -> Iterator[str]:
    systems = [system for system in _SYSTEMS if any(system in report.metrics for report in reports)]
    names = " / ".join(_SYSTEMS[system][language] for system in systems)
    columns = [column.format(systems=names) for column in _COLUMNS[language]]
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for report in reports:
        suite = shown_as(report.name)
        label = suite.words[language]
        yield _line(f"**{label}**", _Rows(report, suite, "", systems), language)
        for kind, words in suite.kinds.items():
            if kind in report.metrics[GRAPH].kinds:
                yield _line(f"{label}, {words[language]}", _Rows(report, suite, kind, systems), language)


@dataclass(frozen=True)
class _Rows:
    """What a row is about: a suite, or one kind of its questions."""

    report: Answers
    suite: Shown
    kind: str
    """Empty for all of them."""
    systems: Sequence[str]

    def numbers(self, system: str) -> Numbers | None:
        summary = self.report.metrics.get(system)
        if summary is None:
            return None
        return summary.kinds.get(self.kind) if self.kind else summary.overall

    def of(self, name: str) -> list[Number | None]:
        """A measure of each system."""
        found = [self.numbers(system) for system in self.systems]
        return [numbers.of(name) if numbers else None for numbers in found]

    def goal(self, column: Column) -> Goal | None:
        return GOALS.get((self.suite.name, self.kind, column))


def _line(label: str, rows: _Rows, language: Language) -> str:
    ours = rows.numbers(GRAPH)
    assert ours is not None
    n = ours.questions
    times = ours.times.get(PLAIN)
    calls = ours.measures.get(MEDIAN_CALLS)
    cells = [
        f"{label} ({n})",
        _side_by_side(rows.of("right"), n),
        # A kind has questions of one side alone.
        NOTHING if rows.kind else _answered_right(rows, n, language),
        cell(ours.of("balanced"), n, rows.goal("balanced"), language),
        cell(ours.of("valid"), n, rows.goal("cites"), language),
        f"{calls.value:g}" if calls else NOTHING,
        cell(times.answered if times else None, n, rows.goal("time_answered"), language),
        cell(times.unanswerable if times else None, n, rows.goal("time_unanswerable"), language),
    ]
    return f"| {' | '.join(cells)} |"


def _answered_right(rows: _Rows, n: int, language: Language) -> str:
    found = rows.of("contained")
    text = _side_by_side(found, n)
    other = dict(zip(rows.systems, found, strict=True))
    ours, theirs = other[GRAPH], other.get(PLAIN)
    if rows.suite.name not in AT_LEAST_PLAIN or ours is None or theirs is None:
        return text
    told = _GOAL[language].format(goal=_AT_LEAST_PLAIN[language])
    return f"{text}, {told}" if ours.value >= theirs.value else f"{text}, {told}: {_MISSED[language]}"


def _side_by_side(found: Sequence[Number | None], n: int) -> str:
    counts = {number.n for number in found if number}
    if not counts:
        return NOTHING
    text = " / ".join(NOTHING if number is None else figure(number) for number in found)
    return text if counts == {n} else f"{text} (n={', '.join(map(str, sorted(counts)))})"


def cell(number: Number | None, n: int, goal: Goal | None, language: Language) -> str:
    """A figure with its error, its count where it is not the row's `n`, and its goal, if it has one."""
    if number is None:
        return NOTHING
    text = figure(number, goal=goal) if number.n == n else f"{figure(number, goal=goal)} (n={number.n})"
    return text if goal is None else f"{text}, {_against(number, goal, language)}"


def _against(number: Number, goal: Goal, language: Language) -> str:
    told = _GOAL[language].format(goal=goal.text())
    return told if goal.met(number.value) else f"{told}: {_MISSED[language]}"


def figure(number: Number, *, goal: Goal | None = None) -> str:
    """ "0.79±0.11"; with another decimal where two would hide that a goal is missed."""
    digits = 2
    if goal is not None and not goal.met(number.value) and goal.met(round(number.value, digits)):
        digits += 1
    text = f"{number.value:.{digits}f}"
    return text if number.error is None else f"{text}±{number.error:.{digits}f}"


def _single(reports: Sequence[Answers | Retrieval], language: Language) -> Iterator[str]:
    """Figures that one suite alone has."""
    for report in reports:
        suite = shown_as(report.name.removesuffix(RETRIEVAL))
        label = suite.words[language]
        if isinstance(report, Answers):
            number = report.metrics[GRAPH].overall.of("obeyed")
            if number:
                count = round(number.value * number.n)
                goal = GOALS.get((suite.name, "", "obeyed"))
                told = cell(number, number.n, goal, language)
                yield _OBEYED[language].format(suite=label, n=number.n, count=count, figure=told)
            continue
        for kind, numbers in report.metrics.items():
            if kind != ALL and (number := numbers.get(RECALL)):
                told = cell(number.as_share(), 0, GOALS.get((suite.name, kind, "recall")), language)
                words = _KINDS[kind][language] if kind in _KINDS else plain(kind)
                yield _RECALL[language].format(suite=f"{label}, {words}", figure=told)


def _conditions(reports: Sequence[Answers | Retrieval], language: Language) -> Iterator[str]:
    """On which machine, with which model and code, and when; the suites for which all of it is the same."""
    suites: dict[str, list[str]] = {}
    for report in reports:
        words = shown_as(report.name.removesuffix(RETRIEVAL)).words[language]
        if report.part:
            words += _PARTS[report.part][language]
        suites.setdefault(_condition(report, language), []).append(words)
    for condition, names in suites.items():
        yield f"{', '.join(names)}: {condition}"


def _condition(report: Answers | Retrieval, language: Language) -> str:
    cores, processor = report.machine.get("cores", 0), plain(report.machine.get("processor", ""))
    ko = language == "ko"
    parts = [f"{processor} {cores}코어" if ko else f"{cores} cores of {processor}"]
    if isinstance(report, Answers):
        parts.append(f"{'모델' if ko else 'model'} `{report.model}` (`{report.model_family}`)")
    parts.append(f"{'임베더' if ko else 'embedder'} `{report.embedder}`")
    parts.append(report.date[:10])
    code = report.revision or report.code_sha256
    parts.append(f"{'코드' if ko else 'code'} `{code[:8]}`")
    return ", ".join(parts)


def _unmeasured(reports: Sequence[Answers | Retrieval], language: Language) -> Iterator[str]:
    """Goals that no report speaks of: a table without them would look better than it is."""
    there = {(report.name.removesuffix(RETRIEVAL), isinstance(report, Retrieval)) for report in reports}
    wanted = dict.fromkeys((suite, column == "recall") for suite, _, column in GOALS)
    names = [shown_as(name).words[language] for name, search in wanted if (name, search) not in there]
    if names:
        yield _UNMEASURED[language].format(suites=", ".join(names))
