"""Search the documents for the current query."""

import asyncio
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any

from app.corpus.passage import Passage
from graphs.grounding import unmet_numbers
from graphs.nodes.grade import settles
from graphs.orders import notice_of, readable
from graphs.reading import read, reread
from graphs.run import Run
from graphs.state import State, own_words


async def retrieve(state: State, run: Run) -> dict[str, Any]:
    """A first search shows the best passages; a later one adds what is new behind those already read."""
    context = run.context
    query = state.query or state.standalone or state.question
    searched = await asyncio.to_thread(_search, state, run, query)
    found = searched.found
    # What is taken out of a passage may be why the reader puts it behind.
    seen = {passage.id: passage for passage in (*searched.ranked[: context.wide], *found[: context.wide])}
    run.notice(notice_of(list(seen.values())))
    # Of the numbers of a calculation many are the asker's own, and stand anywhere.
    found = with_named_numbers(found, own_words(state), context.wide if state.arithmetic else context.look)
    merged, shown = merge(searched.known, state.shown, found, context.look)
    return {
        "found": [asdict(passage) for passage in merged],
        "shown": shown,
        "coverage": searched.coverage,
        "dense": searched.dense,
        "asked": [*state.asked, query],
        "verdict": "",
    }


@dataclass(frozen=True, kw_only=True)
class _Searched:
    """What a search brought."""

    known: list[Passage]
    """Found before, in reading order, with the odds that they answer what is asked now."""
    ranked: list[Passage]
    """As the search ranks them; some may be blank."""
    found: list[Passage]
    """What can be read of them; where one passage is to answer, as search and reader order them together."""
    coverage: float
    dense: float


def _search(state: State, run: Run, query: str) -> _Searched:
    question = state.standalone or state.question
    with run.resources.searched(state.given) as corpus:
        found = corpus.search(query, k=run.context.k)
        if state.also and not state.asked:
            found = interleave(found, corpus.search(state.also, k=run.context.k))
        found = [p for p in run.resources.held_back(found) if p.id not in state.suspects]
        known = [Passage(**passage) for passage in state.found]
        everything = [*known, *found]
        coverage = corpus.coverage(question, everything) if everything else 0.0
    reader = run.resources.reader
    offered = readable(found)
    # Facts for a calculation answer nothing by themselves: they stay in the search's order.
    if state.arithmetic:
        offered = reread(offered, question, reader)
    else:
        look = run.context.look
        offered = read(
            offered,
            question,
            reader,
            first=run.context.wide,
            # Only what is judged next, and for sure, makes the rest needless.
            enough=None
            if state.asked or run.context.accept is not None
            else lambda passages: settles(run.resources.calibration, state, passages[:look]),
        )
    return _Searched(
        known=reread(known, question, reader),
        ranked=found,
        found=offered,
        coverage=coverage,
        dense=max((passage.dense for passage in everything), default=0.0),
    )


def interleave(first: list[Passage], second: list[Passage]) -> list[Passage]:
    """Two rankings in turn, the first one's best first, each passage once."""
    pairs = (passage for pair in zip_longest(first, second) for passage in pair if passage is not None)
    return list({passage.id: passage for passage in pairs}.values())


def with_named_numbers(found: list[Passage], question: str, look: int) -> list[Passage]:
    """Of the passages that are read first the last one makes room for one with a number they lack.

    A year, a clause or a model in the question tells passages apart that are alike in everything else;
    to an embedder it is one word among many.
    """
    unmet = unmet_numbers(question, found[:look])
    for position in range(look, len(found)):
        if look > 1 and unmet - unmet_numbers(question, [found[position]]):
            return [*found[: look - 1], found[position], *found[look - 1 : position], *found[position + 1 :]]
    return found


def merge(known: list[Passage], shown: int, found: list[Passage], look: int) -> tuple[list[Passage], int]:
    """Passages in reading order and how many to show.

    What was shown stays first and in place, because the prompt's prefix is cached up to there; the
    next `look` new ones follow it.
    """
    read = known[:shown]
    seen = {passage.id for passage in read}
    new = [passage for passage in found if passage.id not in seen]
    seen |= {passage.id for passage in new}
    rest = [passage for passage in known[shown:] if passage.id not in seen]
    merged = [*read, *new, *rest]
    return merged, min(len(merged), shown + (min(look, len(new)) if read else look))
