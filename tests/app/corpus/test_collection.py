import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.corpus.collection import Collection
from app.corpus.ingest import ingest
from app.corpus.passage import Chunk, LoadedDocument
from app.errors import CorpusError, EmbedderMismatchError
from app.models.embedder import Vectors
from app.models.embedders import make_embedder

PASSAGES = [
    {"title": "보증", "text": "제품의 보증 기간은 구입한 날부터 2026년까지입니다."},
    {"title": "보증", "text": "제품의 보증 기간은 구입한 날부터 2026년까지이다."},
    {"title": "배송", "text": "배송은 주문한 다음 날 출발하고 사흘 안에 도착합니다."},
    {"title": "환불", "text": "환불은 상품을 받은 뒤 2주 안에 신청할 수 있습니다."},
]


class MeaningEmbedder:
    """Knows one thing: what "돈을 돌려받다" means."""

    spec = "meaning:"
    fingerprint = "meaning-1"
    dimensions = 3
    by_sentence = False

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = [[0.0, 1.0, 0.2] if "환불" in text else [1.0, 0.0, 0.2] for text in texts]
        matrix = np.array(rows, dtype=np.float32).reshape(len(texts), 3)
        unit: Vectors = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        return unit

    def embed_query(self, text: str) -> Vectors:
        row: Vectors = np.array([0.0, 1.0, 0.0] if "돌려받" in text else [0.0, 0.0, 1.0], dtype=np.float32)
        return row


def whole(document: LoadedDocument) -> list[Chunk]:
    end = len(document.text)
    return [Chunk(text=document.text, title=document.title, section=(), page=None, start=0, end=end)]


@pytest.fixture
def toy(tmp_path: Path):  # type: ignore[no-untyped-def]
    return make_embedder("toy:64", cache_dir=tmp_path)


def _of(weight: float, embedder=None) -> Collection:  # type: ignore[no-untyped-def]
    return Collection.from_passages(
        PASSAGES, embedder or MeaningEmbedder(), probe=0.5, dense_weight=weight, split=whole
    )


def test_keywords_find_the_passage_and_say_where_it_stands() -> None:
    best, *_ = _of(0.0).search("배송은 언제 도착합니까?")
    assert (best.source, best.heading, best.text) == ("배송", "배송", PASSAGES[2]["text"])
    assert (best.start, best.end, best.page) == (0, len(PASSAGES[2]["text"]), None)
    assert best.score == 1.0
    assert best.lexical > 0
    assert best.dense == 0.0


def test_meaning_finds_what_shares_no_word() -> None:
    question = "돈 돌려받는 법"
    assert _of(0.0).search(question) == []
    best = _of(0.4).search(question)[0]
    assert best.source == "환불"
    assert best.lexical == 0.0
    assert best.dense == pytest.approx(0.98, abs=0.01)


def test_a_passage_found_by_keywords_alone_has_its_cosine_too() -> None:
    found = {passage.source: passage for passage in _of(0.3).search("배송 환불 돌려받")}
    assert found["배송"].dense == pytest.approx(0.0, abs=0.01)
    assert found["환불"].dense > 0.9


def test_a_chance_match_of_an_ending_does_not_outvote_the_meaning() -> None:
    passages = [
        {"title": "가", "text": "돈을 돌려드리는 기간은 7일입니다."},
        {"title": "나", "text": "문의는 전화로 받습니다. 언제든 됩니까 하고 물으셔도 됩니다."},
    ]
    question = "구입한 것을 물리고 싶은데 언제까지 됩니까?"

    class Meaning(MeaningEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            return np.array(
                [[1.0, 0.0, 0.0] if "돌려" in text else [0.6, 0.8, 0.0] for text in texts], np.float32
            )

        def embed_query(self, text: str) -> Vectors:
            return np.array([0.98, 0.199, 0.0], np.float32)

    collection = Collection.from_passages(passages, Meaning(), probe=0.5, dense_weight=0.4, split=whole)
    best = collection.search(question)[0]
    assert best.source == "가" and best.lexical == 0.0


def test_an_embedder_that_knows_no_korean_is_not_asked() -> None:
    class Deaf(MeaningEmbedder):
        def embed_query(self, text: str) -> Vectors:
            raise AssertionError("asked")

    collection = Collection.from_passages(PASSAGES, Deaf(), probe=0.05, split=whole)
    assert collection.status().dense_weight == 0.0
    assert collection.search("배송")[0].source == "배송"


def test_k_bounds_the_answer() -> None:
    assert len(_of(0.3).search("보증 기간 배송 환불", k=2)) == 2
    assert len(_of(0.3).search("보증 기간 배송 환불", k=99)) == 4
    assert _of(0.3).search("보증", k=0) == []


def test_mmr_prefers_another_passage_to_a_repeat(toy) -> None:  # type: ignore[no-untyped-def]
    question = "제품의 보증 기간"
    similar = [passage.source for passage in _of(0.3, toy).search(question, k=2)]
    diverse = [passage.source for passage in _of(0.3, toy).search(question, k=2, mode="mmr", lambda_mult=0.3)]
    assert similar == ["보증", "보증"]
    assert diverse[0] == "보증"
    assert diverse[1] != "보증"


def test_score_threshold_keeps_what_bears_on_the_question() -> None:
    collection = _of(0.0)
    related, unrelated = "배송은 며칠 안에 도착합니까?", "주문한 피아노 소나타의 작곡가"
    # Normalised scores cannot tell them apart: the best is 1 either way.
    assert collection.search(related)[0].score == collection.search(unrelated)[0].score == 1.0
    (kept,) = collection.search(related, mode="score_threshold", score_threshold=0.4)
    assert kept.source == "배송"
    assert 0.4 <= float(kept.extra["absolute"]) <= 1.0
    assert collection.search(unrelated, mode="score_threshold", score_threshold=0.4) == []
    assert collection.search(unrelated, mode="score_threshold", score_threshold=0.0) != []


def test_the_absolute_score_weighs_words_and_meaning() -> None:
    (best, *_) = _of(0.4).search("돈 돌려받는 법", mode="score_threshold", score_threshold=0.3)
    assert best.source == "환불"
    assert float(best.extra["absolute"]) == pytest.approx(0.4 * best.dense, abs=1e-3)


@pytest.mark.parametrize(
    "question",
    ["", " \n", "?!…", "😀😀", '"', '" OR "', "AND", "NEAR(a b)", "words:*", "\ud800", "a\x00b", "-"],
)
@pytest.mark.parametrize("mode", ["similarity", "mmr", "score_threshold"])
def test_no_question_raises(question: str, mode) -> None:  # type: ignore[no-untyped-def]
    found = _of(0.0).search(question, mode=mode)
    assert found == []


def test_a_question_as_long_as_a_book_is_bounded() -> None:
    words = " ".join(chr(0xAC00 + i) + chr(0xAC00 + 7 * i % 11000) for i in range(11_000))
    assert _of(0.4).search("보증 기간 " + words)[0].source == "보증"


def test_an_empty_collection_finds_nothing() -> None:
    collection = Collection.from_passages([], MeaningEmbedder(), probe=0.9)
    assert collection.search("보증 돌려받") == []
    assert collection.status().chunks == 0


def test_long_passages_are_split_and_keep_their_offsets(toy) -> None:  # type: ignore[no-untyped-def]
    text = " ".join(f"{number}번째 문장은 모두 서로 다른 내용을 담고 있다." for number in range(60))
    collection = Collection.from_passages([{"title": "긴 글", "text": text}], toy, probe=0.0)
    assert collection.status().documents == 1
    assert collection.status().chunks > 2
    best = collection.search("57번째 문장")[0]
    assert best.heading == "긴 글"
    assert "57번째" in best.text
    assert text[best.start : best.end] == best.text


def test_idf_counts_chunks() -> None:
    idf = _of(0.0).idf(["보증", "배송", "없다"])
    assert idf["보증"] < idf["배송"] < idf["없다"]


def test_a_collection_follows_an_ingest_and_forgets_what_is_deleted(tmp_path: Path, toy) -> None:  # type: ignore[no-untyped-def]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("보증 기간은 1년입니다.")
    (docs / "b.txt").write_text("배송은 사흘 걸립니다.")
    folder = tmp_path / "notes"
    ingest(folder, [docs], toy)
    with Collection.open(folder, toy, dense_weight=0.3) as collection:
        (document, _) = collection.documents()
        assert (document.name, document.loader) == ("docs/a.txt", "text")
        first = collection.search("보증 기간", k=1)[0]
        assert first.source == "docs/a.txt"
        (docs / "a.txt").unlink()
        (docs / "c.txt").write_text("환불은 2주 안에 됩니다.")
        ingest(folder, [docs], toy, prune=True)
        assert {passage.source for passage in collection.search("보증 기간 환불")} == {
            "docs/b.txt",
            "docs/c.txt",
        }
        status = collection.status()
    assert (status.documents, status.chunks) == (2, 2)
    assert (status.embedder, status.fingerprint) == (toy.spec, toy.fingerprint)
    assert status.generation > 1
    assert status.size_bytes > 10_000


def test_without_its_index_a_collection_answers_the_same(tmp_path: Path, toy) -> None:  # type: ignore[no-untyped-def]
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(30):
        (docs / f"{number}.txt").write_text(f"{number}번 문서는 {number * 7}쪽입니다.")
    folder = tmp_path / "notes"
    ingest(folder, [docs], toy)

    def ask() -> list[tuple[str, float]]:
        with Collection.open(folder, toy, dense_weight=0.5) as collection:
            return [(passage.source, passage.score) for passage in collection.search("7번 문서 49쪽")]

    before = ask()
    (index,) = folder.glob("index-*")
    index.write_bytes(b"broken")
    assert ask() == before
    index.unlink()
    assert ask() == before
    # The next ingest makes it again though nothing changed.
    assert ingest(folder, [docs], toy).unchanged == 30
    assert len(list(folder.glob("index-*"))) == 1


def test_another_embedder_is_refused_with_the_command_to_run(tmp_path: Path, toy) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.txt").write_text("보증 기간은 1년입니다.")
    folder = tmp_path / "notes"
    ingest(folder, [tmp_path / "a.txt"], toy)
    with pytest.raises(EmbedderMismatchError) as caught:
        Collection.open(folder, MeaningEmbedder())
    assert str(caught.value) == (
        'The collection "notes" was made with the embedder "toy:64", not with "meaning:". '
        "Choose that embedder again, or embed the collection anew: mutda ingest PATH... --rebuild"
    )


def test_a_rebuild_behind_an_open_collection_is_noticed(tmp_path: Path, toy) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.txt").write_text("보증 기간은 1년입니다.")
    folder = tmp_path / "notes"
    ingest(folder, [tmp_path / "a.txt"], toy)
    with Collection.open(folder, toy, dense_weight=0.3) as collection:
        assert collection.search("보증")
        ingest(folder, [], MeaningEmbedder(), rebuild=True)
        with pytest.raises(EmbedderMismatchError, match='made with the embedder "meaning:"'):
            collection.search("보증")


def test_no_collection_is_one_line(tmp_path: Path, toy) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CorpusError) as caught:
        Collection.open(tmp_path / "notes", toy)
    assert str(caught.value) == (
        'There is no collection "notes" yet. Make it from your documents: mutda ingest PATH...'
    )


def test_threads_may_search_at_once(toy) -> None:  # type: ignore[no-untyped-def]
    collection = _of(0.3, toy)
    expected = {question: collection.search(question) for question in ("보증 기간", "배송", "환불 신청")}
    wrong: list[str] = []

    def ask() -> None:
        for _ in range(30):
            wrong.extend(
                question for question, found in expected.items() if collection.search(question) != found
            )

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
