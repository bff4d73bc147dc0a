"""The Korean probe tells those who know the language from those who do not."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.models.embedder import Vectors
from app.models.embedders.toy import ToyEmbedder
from app.models.embedders.use import UseEmbedder
from app.models.probe import _ITEMS, korean_probe, weight_from_probe


class Scripted(ToyEmbedder):
    """Embeds each known text as the axis it is told, and anything else as the last axis."""

    def __init__(self, axes: dict[str, int]) -> None:
        super().__init__(dimensions=64)
        self.axes = axes

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.eye(64, dtype=np.float32)[[self.axes.get(text, 63) for text in texts]]

    def embed_query(self, text: str) -> Vectors:
        row: Vectors = self.embed([text])[0]
        return row


def test_knowing_every_answer_is_one() -> None:
    axes = {text: at for at, item in enumerate(_ITEMS) for text in (item.question, item.answer)}
    assert korean_probe(Scripted(axes)) == 1.0


def test_equal_vectors_know_nothing() -> None:
    assert korean_probe(Scripted({})) == pytest.approx(1 / 48)


def test_taking_every_distractor_first_halves_it() -> None:
    questions = {item.question: at for at, item in enumerate(_ITEMS)}

    class SecondBest(Scripted):
        def embed(self, texts: Sequence[str]) -> Vectors:
            rows = np.eye(64, dtype=np.float32)[[at % 24 for at in range(len(texts))]]
            if len(texts) == 48:  # the pool: answers a little further away than distractors
                rows[:24, 63] = 0.5
                rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            return rows

        def embed_query(self, text: str) -> Vectors:
            row: Vectors = np.eye(64, dtype=np.float32)[questions[text]]
            return row

    assert korean_probe(SecondBest({})) == 0.5


def test_the_packaged_encoder_knows_korean_and_spelling_does_not() -> None:
    assert korean_probe(UseEmbedder()) == pytest.approx(0.404, abs=0.01)
    assert korean_probe(ToyEmbedder()) < 0.1
    assert korean_probe(ToyEmbedder(1024)) < 0.1


def test_questions_share_words_with_distractors_and_not_with_answers() -> None:
    spelling = ToyEmbedder(4096)
    questions = np.stack([spelling.embed_query(item.question) for item in _ITEMS])
    answers = (questions * spelling.embed([item.answer for item in _ITEMS])).sum(axis=1)
    distractors = (questions * spelling.embed([item.distractor for item in _ITEMS])).sum(axis=1)
    assert answers.mean() < 0.1
    assert distractors.mean() > 0.25
    assert len({text for item in _ITEMS for text in item}) == 72


@pytest.mark.parametrize(
    ("probe", "share"),
    [
        (0, 0),
        (0.09, 0),
        (0.2, 0),
        (0.3, 0.2),
        (0.4, 0.4),
        (0.48, 0.5),
        (0.56, 0.6),
        (0.6, 0.65),
        (0.64, 0.7),
        (1, 0.7),
    ],
)
def test_share(probe: float, share: float) -> None:
    assert weight_from_probe(probe) == pytest.approx(share, abs=1e-9)


def test_share_never_falls() -> None:
    shares = [weight_from_probe(probe) for probe in np.linspace(0, 1, 101)]
    assert shares == sorted(shares)
