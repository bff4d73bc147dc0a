"""Everything up to the training; the training itself where torch is installed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_ins.e5_weights import put_weights

from app.errors import MutdaError
from app.models.e5_engine import BEGIN, END, Engine
from app.models.e5_reader import E5Reader
from evals import train_reader
from evals.reading_sets import Example
from evals.suite import GivenPassage
from evals.train_reader import TOKENS_MAX, Item, item_of, judge, main, plan_of, train

PASSAGE = GivenPassage(title="가나", text="다라 마바 사아 자차")


class Letters:
    """Tokenizes by character; the blank before a text is one of them."""

    def pieces(self, text: str) -> list[tuple[int, str]]:
        return [(10 + ord(letter) % 90, letter) for letter in " " + text]

    def tokens(self, text: str) -> list[int]:
        return [token for token, _ in self.pieces(text)]


def made(question: str = "무엇?", passage: GivenPassage = PASSAGE, answer: str | None = None) -> Item:
    return item_of(Letters(), question, passage, answer)  # type: ignore[arg-type]


def test_a_pair_is_the_question_and_the_passage_with_their_ends() -> None:
    item = made()
    assert item.tokens[0] == BEGIN and item.tokens[-1] == END and item.tokens.count(END) == 2
    assert item.tokens[item.passage_from - 1] == END
    assert item.answers is False and item.ends is None


def test_the_answer_is_where_it_stands_in_the_text() -> None:
    item = made(answer="마바")
    assert item.answers and item.ends is not None
    first, last = item.ends
    letters = [letter for _, letter in Letters().pieces("passage: 가나: 다라 마바 사아 자차")]
    assert "".join(letters[first - item.passage_from : last + 1 - item.passage_from]) == "마바"


def test_an_answer_in_the_title_or_cut_off_is_not_pointed_at() -> None:
    assert made(answer="가나").ends is None and made(answer="가나").answers
    long = GivenPassage(title="", text="가 " * TOKENS_MAX + "끝")
    item = made(passage=long, answer="끝")
    assert item.ends is None and item.answers and len(item.tokens) == TOKENS_MAX


def example(number: int) -> Example:
    right = GivenPassage(title="가", text=f"나다 라마 {number}")
    wrong = GivenPassage(title="가", text=f"바사 아자 {number}")
    return Example(
        group=f"set:{number}",
        kind="direct",
        question="나다 무엇?",
        right=right,
        answer="라마",
        wrong=(wrong,),
    )


class Told:
    """A reader that knows."""

    def odds(self, question: str, passages: list[str]) -> np.ndarray:
        return np.array([2.0 if "라마" in passage else -2.0 for passage in passages])


def test_a_further_pass_repeats_a_share_of_what_is_known(tmp_path: Path) -> None:
    new = replace(example(0), group="set:new_ones-1")
    korquad = replace(example(0), group="korquad:1")
    questions = [new, korquad, *map(example, range(1, 101))]
    engine = Engine(put_weights(tmp_path / "cache"))
    try:
        all_of_them, some, none = (
            sum(map(len, plan_of(questions, engine, seed=1, known=known, fresh=["new"])))
            for known in (1.0, 0.5, 0.0)
        )
        kinds = [new, replace(new, kind="search")]
        one_kind = sum(map(len, plan_of(kinds, engine, seed=1, known=0.0, fresh=["new:search"])))
        for name in ("wordz_", "new:odd"):
            with pytest.raises(MutdaError, match=f"--fresh {name}: there are no such questions"):
                plan_of(questions, engine, seed=1, fresh=[name])
    finally:
        engine.close()
    assert one_kind == 2 and none == 4 and all_of_them == 204 and 60 < some < 140


def test_a_share_is_a_share(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["korquad.json", "--judge", "--known", "30"]) == 2
    assert "--known 30.0 is not a share" in capsys.readouterr().err
    assert main(["korquad.json", "--judge", "--known", "0.3"]) == 2
    assert "name it with --start" in capsys.readouterr().err


def test_it_is_judged_by_what_comes_first() -> None:
    unanswered = Example(
        group="set:x", kind="unanswered", question="?", right=None, answer="", wrong=(PASSAGE,)
    )
    lines = list(judge([example(1), example(2), unanswered], Told()))  # type: ignore[arg-type]
    assert "direct" in lines[0] and "right one first 1.000  AUC 1.000" in lines[0]
    assert "unanswered" in lines[1] and "median -2.00" in lines[1]


def test_what_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setenv("MUTDA_CACHE_DIR", str(tmp_path / "cache"))
    put_weights(tmp_path / "cache")
    assert main([str(tmp_path / "none.json"), "--judge", "--out", str(tmp_path / "a.gguf")]) == 2
    assert "none.json cannot be read" in capsys.readouterr().err


def test_the_engine_reads_as_the_trained_model_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(train_reader, "BATCH_TOKENS", 600)
    monkeypatch.setattr("evals.e5_model.LEARNING_RATE", 3e-2)  # random weights move only by large steps
    weights = put_weights(tmp_path / "cache", layers=12)
    passages = [GivenPassage(title="가", text=text) for text in ("나다 라마 7", "바사 아자 abc 7")]
    engine = Engine(weights)
    try:
        plan = plan_of([example(number) for number in range(40)], engine, seed=1)
        items = [item_of(engine, "나다 무엇?", passage, None) for passage in passages]
    finally:
        engine.close()
    adapter = tmp_path / "adapter.gguf"
    model = train(plan, weights, adapter, seed=1).eval()
    with torch.no_grad():
        tokens = [torch.tensor([item.tokens]) for item in items]
        theirs = [float(model(row, torch.ones_like(row, dtype=torch.bool))[0]) for row in tokens]
    reader = E5Reader(cache_dir=tmp_path / "cache", adapter=adapter, orders=None)
    try:
        ours = reader.odds("나다 무엇?", [f"{passage.title}: {passage.text}" for passage in passages])
    finally:
        reader.close()
    np.testing.assert_allclose(ours, theirs, atol=0.02)
    assert all(
        float(layer.get_submodule("ffn_up").b.detach().abs().max()) > 0 for layer in list(model.layers)[2:]
    )
    assert float(model.head.weight.detach().abs().max()) > 0

    again = tmp_path / "again.gguf"
    train([], weights, again, seed=2, start=adapter)
    assert again.read_bytes() == adapter.read_bytes()
    with pytest.raises(MutdaError, match="is not an adapter of this kind"):
        train([], weights, again, seed=2, start=weights)
    assert again.read_bytes() == adapter.read_bytes()


@pytest.mark.parametrize(("bfloat16_s", "kind"), [(0.4, "bfloat16"), (0.9, "float32"), (100.0, "float32")])
def test_half_precision_is_for_machines_that_are_clearly_faster_for_it(
    bfloat16_s: float, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    from evals import e5_model

    e5_model.bfloat16_is_faster.cache_clear()
    monkeypatch.setattr(e5_model, "product_s", {torch.bfloat16: bfloat16_s, torch.float32: 1.0}.__getitem__)
    model = e5_model.E5Model(put_weights(tmp_path / "cache", layers=12))
    e5_model.bfloat16_is_faster.cache_clear()
    with model.precision():
        made = torch.ones(2, 2) @ torch.ones(2, 2)
    assert made.dtype is model.kind is getattr(torch, kind)


def test_a_product_is_timed() -> None:
    torch = pytest.importorskip("torch")
    from evals.e5_model import product_s

    assert product_s(torch.float32) > 0
