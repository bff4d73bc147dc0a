"""What the embedder is taught: groups of passages, and that each question is to point at its own."""

from pathlib import Path

import numpy as np
import pytest
from stand_ins.e5_weights import put_weights

from app.corpus.records import embedded_texts
from app.errors import MutdaError
from app.models.e5_engine import BEGIN, END, Engine
from app.models.embedders.e5 import BASE, E5Embedder
from evals import train_embedder
from evals.reading_sets import Example
from evals.suite import GivenPassage
from evals.train_embedder import Group, groups_of, judge, main, plan_of, train

LEAVE = GivenPassage(title="규정 > 휴가", text="연차는 15일이다. 병가는 60일이다.")
PAY = GivenPassage(title="규정 > 급여", text="급여는 25일에 준다.")
CAR = GivenPassage(title="규정 > 차량", text="차량은 예약한다.")


def example(
    right: GivenPassage | None, *wrong: GivenPassage, group: str = "set:a-1", kind: str = "paraphrased"
) -> Example:
    text = f"{right.text if right else '?'} {kind}"
    return Example(group=group, kind=kind, question=text, right=right, answer="", wrong=wrong)


class Letters:
    """An engine whose tokens are a text's characters."""

    def tokens(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]


def test_a_set_is_a_group_of_all_its_passages() -> None:
    (group,) = groups_of([example(LEAVE, PAY, CAR), example(PAY, LEAVE, CAR), example(None, LEAVE, PAY)])
    assert set(group.passages) == {LEAVE, PAY, CAR}
    assert [group.passages[at] for _, _, at in group.questions] == [LEAVE, PAY]


def test_an_article_is_parted_and_nothing_of_another_is_in_it() -> None:
    articles = [GivenPassage(title="글", text=f"문단 {number}") for number in range(6)]
    first, second = groups_of([example(right, CAR, group="korquad:글") for right in articles])
    assert first.passages == tuple(articles[:4]) and second.passages == tuple(articles[4:])
    assert [at for _, _, at in second.questions] == [0, 1]
    assert "문단 5" in second.questions[1][1]


def test_a_pass_has_every_group_once_and_some_questions() -> None:
    groups = [
        Group(
            passages=(LEAVE, GivenPassage(title="", text=f"글 {number}")),
            questions=(("paraphrased", f"무엇 {number}", 1),) * 40,
        )
        for number in range(10)
    ]
    plan = plan_of(groups, Letters(), seed=1)  # type: ignore[arg-type]
    assert [len(step.passages) for step in plan] == [16, 4]
    for step in plan:
        for question, at in step.questions:
            number = "".join(map(chr, question[1:-1])).rpartition(" ")[2]
            whole = "".join(map(chr, step.passages[at][0][1:-1]))
            assert whole == f"passage: 글 {number}"
        assert len(step.questions) == 12 * len(step.passages) / 2
    whole, *sentences = plan[0].passages[0]
    assert whole[0] == BEGIN and whole[-1] == END
    assert ["".join(map(chr, text[1:-1])) for text in sentences] == [
        "passage: 휴가: 연차는 15일이다.",
        "passage: 휴가: 병가는 60일이다.",
    ]
    assert plan != plan_of(groups, Letters(), seed=2)  # type: ignore[arg-type]


def test_what_is_long_is_cut() -> None:
    long = GivenPassage(title="", text="가" * 2000)
    group = Group(passages=(long,), questions=(("request", "나" * 500, 0),) * 30)
    (step,) = plan_of([group], Letters(), seed=1)  # type: ignore[arg-type]
    assert len(step.passages[0][0]) == 256 and len(step.questions[0][0]) == 80


class Told(E5Embedder):
    """Finds a passage by its first word."""

    spec = "toy:told"
    fingerprint = "told"
    by_sentence = False

    def __init__(self) -> None:
        """Without weights."""

    def embed(self, texts: list[str]) -> np.ndarray:  # type: ignore[override]
        return np.stack([self.embed_query(text.rpartition("\n")[2]) for text in texts])

    def embed_query(self, text: str) -> np.ndarray:  # type: ignore[override]
        row = np.zeros(384, dtype=np.float32)
        row[sum(map(ord, text[:2])) % 384] = 1
        return row


def test_it_is_judged_by_where_the_passage_comes() -> None:
    group = Group(
        passages=(LEAVE, PAY, CAR), questions=(("direct", "급여는 언제?", 1), ("search", "차량 급여", 1))
    )
    direct, search = judge([group], Told())
    assert "direct" in direct and "R@1 1.000  R@2 1.000  R@5 1.000" in direct
    assert "search" in search and "R@1 0.000" in search


def test_what_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_embedder, "find_spec", lambda name: None)
    assert main([str(tmp_path / "none.json")]) == 2
    assert "pip install" in capsys.readouterr().err
    monkeypatch.setattr(train_embedder, "find_spec", lambda name: name)
    assert main([str(tmp_path / "none.json"), "--start", str(tmp_path / "x")]) == 2
    assert "x is not a file" in capsys.readouterr().err
    assert main([str(tmp_path / "none.json"), "--judge", "--out", str(tmp_path / "y")]) == 2
    assert "there is no adapter to judge" in capsys.readouterr().err


def test_the_engine_embeds_as_the_trained_model_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("evals.e5_model.LEARNING_RATE", 1e-2)  # random weights move only by large steps
    weights = put_weights(tmp_path / "cache", layers=12)
    groups = groups_of([example(LEAVE, PAY, CAR), example(PAY, LEAVE, CAR)] * 6)
    engine = Engine(weights)
    try:
        plan = [step for seed in range(12) for step in plan_of(groups, engine, seed=seed)]
    finally:
        engine.close()
    adapter = tmp_path / "adapter.gguf"
    model = train(plan, weights, adapter, seed=1).eval()
    embedder = E5Embedder(cache_dir=tmp_path / "cache", adapter=adapter, workers=1)
    with torch.no_grad():
        theirs = train_embedder.encoded(model, [plan[0].passages[1][0], plan[0].passages[0][0]]).numpy()
    texts = [f"{passage.title}\n{passage.text}" for passage in groups[0].passages]
    ours = embedder.embed([texts[1], texts[0]])
    base = E5Embedder(BASE, cache_dir=tmp_path / "cache", workers=1)
    assert np.abs(base.embed([texts[0]]) - ours[1]).max() > 0.02
    np.testing.assert_allclose(ours, theirs, atol=0.02)
    # The score that is trained is what the index makes of the vectors of a whole and of its sentences.
    leave = groups[0].passages.index(LEAVE)
    with torch.no_grad():
        scores = train_embedder.scored(model, plan[0])[0, leave]
    asked = plan[0].questions[0][0]
    with torch.no_grad():
        row = train_embedder.encoded(model, [asked])[0].numpy()
    whole, *sentences = embedder.embed(embedded_texts(LEAVE.title, LEAVE.text, by_sentence=True)) @ row
    assert len(sentences) == 2
    assert float(scores) == pytest.approx((whole + max(sentences)) / 2, abs=0.02)
    for each in (embedder, base):
        each.close()

    again = tmp_path / "again.gguf"
    train([], weights, again, seed=2, start=adapter)
    assert again.read_bytes() == adapter.read_bytes()
    with pytest.raises(MutdaError, match="is not an adapter of this kind"):
        train([], weights, again, seed=2, start=weights)
