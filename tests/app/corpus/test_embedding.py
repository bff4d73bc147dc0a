"""Which embedder is chosen; the fetch itself is tested with the weights."""

from pathlib import Path
from typing import Any

import pytest

from app.corpus import embedding
from app.corpus.embedding import choose_embedder, made_with
from app.corpus.ingest import ingest
from app.errors import DownloadError, SettingsError
from app.models.embedders.toy import ToyEmbedder
from app.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")


@pytest.fixture
def fetches(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every fetch of the weights succeeds, and is noted."""
    asked: list[Path] = []

    def resolve(cache_dir: Path, **_: Any) -> Path:
        asked.append(cache_dir)
        return cache_dir / "e5.gguf"

    monkeypatch.setattr(embedding, "resolve_e5", resolve)
    return asked


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(cache_dir: Path, **_: Any) -> Path:
        raise DownloadError("The index cannot be reached.")

    monkeypatch.setattr(embedding, "resolve_e5", resolve)


class _Named(ToyEmbedder):
    def __init__(self, spec: str) -> None:
        super().__init__(8)
        self._name = spec

    @property
    def spec(self) -> str:
        return self._name


def _made(folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("보증 기간은 1년입니다.")
    ingest(folder, [tmp_path / "a.txt"], ToyEmbedder(16), probe=lambda embedder: 0.5)
    return folder


def test_the_settings_come_first(settings: Settings, fetches: list[Path], tmp_path: Path) -> None:
    folder = _made(tmp_path / "c", tmp_path)
    named = settings.model_copy(update={"embedder": "toy:8"})
    chosen = choose_embedder(named, folder)
    assert (chosen.embedder.spec, chosen.notice, fetches) == ("toy:8", "", [])


def test_a_collection_keeps_the_embedder_it_was_made_with(
    settings: Settings, fetches: list[Path], tmp_path: Path
) -> None:
    folder = _made(tmp_path / "c", tmp_path)
    assert made_with(folder) == "toy:16"
    assert choose_embedder(settings, folder).embedder.spec == "toy:16"
    assert fetches == []


def test_a_new_collection_gets_the_best_one_fetched(
    settings: Settings, fetches: list[Path], tmp_path: Path
) -> None:
    chosen = choose_embedder(settings, tmp_path / "none")
    assert (chosen.embedder.spec, chosen.notice) == ("e5:", "")
    assert fetches == [settings.cache_dir]


def test_without_its_adapter_it_needs_the_same_weights(settings: Settings, fetches: list[Path]) -> None:
    chosen = choose_embedder(settings.model_copy(update={"embedder": "e5:base"}))
    assert (chosen.embedder.spec, chosen.notice) == ("e5:base", "")
    assert fetches == [settings.cache_dir]


def test_a_name_that_there_is_not_fetches_nothing(settings: Settings, fetches: list[Path]) -> None:
    with pytest.raises(SettingsError, match="write e5:, or e5:base"):
        choose_embedder(settings.model_copy(update={"embedder": "e5:small"}))
    assert fetches == []


def test_a_model_of_sentence_transformers_that_is_here_comes_before_any_fetch(
    settings: Settings, fetches: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "default_embedder_spec", lambda cache_dir: "st:some/model")
    monkeypatch.setattr(embedding, "make_embedder", lambda spec, **_: _Named(spec))
    chosen = choose_embedder(settings)
    assert (chosen.embedder.spec, chosen.notice, fetches) == ("st:some/model", "", [])


@pytest.mark.usefixtures("offline")
def test_where_it_cannot_be_fetched_a_lesser_one_is_used_and_said(settings: Settings) -> None:
    chosen = choose_embedder(settings)
    assert chosen.embedder.spec == "use:"
    assert chosen.notice == "The embedder use: is used, which finds less. The index cannot be reached."


@pytest.mark.usefixtures("offline")
def test_what_is_needed_and_cannot_be_fetched_is_an_error(settings: Settings) -> None:
    with pytest.raises(DownloadError, match="cannot be reached"):
        choose_embedder(settings.model_copy(update={"embedder": "e5:"}))


@pytest.mark.usefixtures("offline")
def test_nothing_is_fetched_where_that_is_not_wanted(settings: Settings) -> None:
    chosen = choose_embedder(settings, allow_fetch=False)
    assert (chosen.embedder.spec, chosen.notice) == ("use:", "")


def test_a_damaged_collection_names_no_embedder(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "store.sqlite3").write_bytes(b"no database" * 100)
    assert made_with(folder) == ""
    assert made_with(None) == made_with(tmp_path / "none") == ""
