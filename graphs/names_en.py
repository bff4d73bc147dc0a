"""English names: runs of words with a capital, told from the rest by the words around them."""

import re
from collections.abc import Set

from graphs.naming import MARKS, Candidate, Kind

_CONNECTS = frozenset({
    "de", "da", "di", "du", "del", "der", "den", "van", "von", "la", "le", "el", "al", "bin", "ibn", "y",
    "&",
})  # fmt: skip
_CONNECTS_THINGS = _CONNECTS | {"of", "the", "for"}
_MONTHS = frozenset({
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
})  # fmt: skip
_NO_NAME = _MONTHS | frozenset({
    "a", "an", "the", "this", "that", "these", "those", "it", "its", "he", "she", "they", "we", "i",
    "you", "his", "her", "their", "our", "my", "your", "there", "here", "who", "what", "when", "where",
    "which", "how", "why", "yes", "no", "not", "and", "or", "but", "so", "if", "as", "at", "by", "for",
    "from", "in", "of", "on", "to", "with", "after", "before", "during", "since", "until", "while",
    "according", "based", "answer", "document", "documents", "note", "each", "every", "all", "both",
    "some", "any", "one", "only", "today", "currently", "also", "then", "thus", "therefore", "however",
    "please", "sorry", "unknown", "none", "nobody", "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday",
})  # fmt: skip
TITLES = re.compile(r"(?:Mr|Mrs|Ms|Dr|Prof|St|Sir|Rev|Gen|Col|Capt|[A-Z])\.")
_COMMON = re.compile(r"(?:tion|ment|ance|ence|ing|[eo]r|ee|ist|ness|ity|ship|[aeiou]l|ive)s?$")
"""Endings of words that are seldom a name where they stand alone at the beginning of a sentence."""
_BE = frozenset({"is", "was", "are", "were", "be", "been", "named", "called"})
_DETERMINERS = frozenset({"the", "a", "an", "our", "its", "their", "your", "his", "her", "my", "one"})
_APART = frozenset({"of", "for", "as"})
_TOWARDS = frozenset({"from", "with", "to"})
_WHERE = frozenset({"in", "on", "at", "under", "over", "near", "about", "during", "since", "after", "before"})
_PLACES = _APART | _TOWARDS | _WHERE
_ELSEWHERE: dict[Kind, Set[str]] = {"person": _APART | _WHERE, "place": frozenset(), "thing": _PLACES}
"""After which words stands something else than what is asked for."""
_LOOK_BACK = 5
"""Words."""
_KIN_LETTERS, _KIN_ENDING = 5, 2


def english(words: list[str], asked: Set[str], kind: Kind) -> list[Candidate]:
    """The names of a sentence that are not the question's (`asked`, in small letters), in order."""
    runs = _runs(words, asked, _CONNECTS if kind == "person" else _CONNECTS_THINGS)
    found = []
    for at, (start, end) in enumerate(runs):
        follows = words[end].strip(MARKS) if end < len(words) else ""
        before = words[start - 1].casefold() if start else ""
        goes_on = follows.islower() and not _ends(words[end - 1])
        alone = end == start + 1
        cue = "is" if before in asked else _cue(words, start)
        if cue in _ELSEWHERE[kind] or (kind == "person" and before == "the"):
            continue
        # "the British director Christopher Nolan", "an American": what kind of, not who.
        if alone and (before in ("a", "an") or (before == "the" and goes_on and at + 1 < len(runs))):
            continue
        if words[end - 1].endswith(("'s", "’s", "s'", "s’")) and goes_on:
            continue
        if alone and start == 0 and end < len(words) and not _is_lone_name(words, kind):
            continue
        name = " ".join(words[start:end])
        name = re.sub(r"['’]s?$", "", name if TITLES.search(name[-4:]) else name.strip(MARKS))
        weight = -1 if _is_one_of_several(words, runs, at) else _weight(cue)
        found.append(Candidate(name, weight))
    return found


def _runs(words: list[str], asked: Set[str], connects: Set[str]) -> list[tuple[int, int]]:
    """Where names may stand, as begins and ends."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for at, word in enumerate(words):
        if _may_name(word, asked):
            start = at if start is None else start
        elif start is not None and not (
            word in connects
            and any(_may_name(later, asked) for later in words[at + 1 : at + (3 if word == "of" else 2)])
        ):
            runs.append((start, at))
            start = None
        if start is not None and _ends(word):
            runs.append((start, at + 1))
            start = None
    return runs if start is None else [*runs, (start, len(words))]


def _may_name(word: str, asked: Set[str]) -> bool:
    core = re.sub(r"['’]s?$", "", word.strip(MARKS))
    low = core.casefold()
    if not any(map(str.isupper, core)) or core[:1].isdigit() or low in _NO_NAME or low in asked:
        return False
    # "Director" of who directed, "Approval" of who approves.
    shared = max(_KIN_LETTERS, len(low) - _KIN_ENDING)
    return len(low) < shared or not any(other.startswith(low[:shared]) for other in asked)


def _ends(word: str) -> bool:
    return word[-1:] in ",;:.!?" and not TITLES.fullmatch(word)


def _is_lone_name(words: list[str], kind: Kind) -> bool:
    """Whether a sentence's first word, which has a capital anyway, is a name."""
    first, *rest = (word.strip(MARKS) for word in words)
    is_passive = rest[0] in _BE and rest[1:2] != [] and rest[1].casefold() not in _DETERMINERS
    return not _COMMON.search(first) and not (kind == "person" and is_passive)


def _is_one_of_several(words: list[str], runs: list[tuple[int, int]], at: int) -> bool:
    """Whether "and" stands in the row of names, divided by commas, that a run is in."""
    for step in (-1, 1):
        here = at
        while 0 <= here + step < len(runs):
            (_, end), (start, _) = sorted((runs[here], runs[here + step]))
            gap = words[end:start]
            if gap in (["and"], ["or"], ["&"]):
                return True
            if gap:
                break
            here += step
    return False


def _cue(words: list[str], start: int) -> str:
    """The nearest word before a run that tells what the run is; "," for none, empty where it comes first.

    A year or a month ends what came before: "In March 2020 Lee Sujin founded …".
    """
    for word in reversed(words[max(0, start - _LOOK_BACK) : start]):
        if _ends(word) or any(map(str.isdigit, word)) or word.casefold() in _MONTHS:
            return ","
        if word.casefold() in _BE | _PLACES | {"by"}:
            return word.casefold()
    return "," if start else ""


def _weight(cue: str) -> int:
    if cue == "by":
        return 3
    return 2 if cue in _BE or not cue else int(cue not in _PLACES)
