import random
from dataclasses import dataclass

from evals.batches import batches


@dataclass(frozen=True)
class Text:
    tokens: list[int]


def test_everything_is_there_once_and_no_batch_is_too_large() -> None:
    chance = random.Random(1)
    texts = [Text([number] * chance.randint(5, 400)) for number in range(300)]
    found = batches(texts, random.Random(2), most_tokens=1200, blur=12)
    assert sorted(text.tokens[0] for batch in found for text in batch) == list(range(300))
    for batch in found:
        lengths = [len(text.tokens) for text in batch]
        assert len(batch) * max(lengths) <= 1200
        # Of like length: what is short does not wait for what is long.
        assert max(lengths) - min(lengths) < 120


def test_what_is_too_long_stands_alone() -> None:
    texts = [Text([1] * 50), Text([2] * 900), Text([3] * 50)]
    found = batches(texts, random.Random(1), most_tokens=200, blur=6)
    assert sorted(len(batch) for batch in found) == [1, 2]


def test_chance_makes_other_neighbours() -> None:
    texts = [Text([number] * 20) for number in range(40)]
    first, second = (batches(texts, random.Random(seed), most_tokens=200, blur=6) for seed in (1, 2))
    assert {frozenset(t.tokens[0] for t in b) for b in first} != {
        frozenset(t.tokens[0] for t in b) for b in second
    }
    assert batches([], random.Random(1), most_tokens=200, blur=6) == []
