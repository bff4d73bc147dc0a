import asyncio
import threading
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda
from pydantic import ValidationError

from app.corpus.collection import Collection
from app.corpus.retriever import MutdaRetriever
from app.models.embedders import make_embedder


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    passages = [
        {"title": "보증", "text": "보증 기간은 1년입니다.", "source": "warranty.md"},
        {"title": "배송", "text": "배송은 사흘 걸립니다.", "source": "shipping.md"},
        {"title": "보증 안내", "text": "보증 기간은 1년입니다!", "source": "copy.md"},
    ]
    return Collection.from_passages(passages, make_embedder("toy:64", cache_dir=tmp_path), dense_weight=0.3)


def test_documents_carry_where_they_stand_and_their_scores(collection: Collection) -> None:
    (document,) = MutdaRetriever(collection=collection, k=1).invoke("보증 기간은?")
    (passage,) = collection.search("보증 기간은?", k=1)
    assert document.page_content == "보증 기간은 1년입니다."
    assert document.id == passage.id
    assert document.metadata == {
        "source": "warranty.md",
        "heading": "보증",
        "section": "",
        "page": None,
        "start": 0,
        "end": 13,
        "score": passage.score,
        "lexical": passage.lexical,
        "dense": passage.dense,
    }


def test_modes(collection: Collection) -> None:
    def sources(**options: object) -> list[str]:
        retriever = MutdaRetriever(collection=collection, **options)  # type: ignore[arg-type]
        return [document.metadata["source"] for document in retriever.invoke("보증 기간은 1년입니까?")]

    assert set(sources(k=2)) == {"warranty.md", "copy.md"}
    assert "shipping.md" in sources(k=2, search_type="mmr", lambda_mult=0.2)
    assert sources(search_type="score_threshold", score_threshold=0.99) == []


def test_it_is_a_runnable_also_without_waiting(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    search = collection.search
    monkeypatch.setattr(
        collection, "search", lambda *a, **k: (threads.append(threading.current_thread()), search(*a, **k))[1]
    )
    chain = MutdaRetriever(collection=collection) | RunnableLambda(len)
    assert asyncio.run(chain.ainvoke("보증 배송")) == 3
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize("option", [{"k": 0}, {"score_threshold": 2}, {"search_type": "best"}, {"top": 1}])
def test_options_are_checked(collection: Collection, option: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MutdaRetriever(collection=collection, **option)  # type: ignore[arg-type]
