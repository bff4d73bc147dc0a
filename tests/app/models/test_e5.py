"""`e5:` with tiny weights of its own shape in the real engine; the real weights at the end."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from stand_ins.e5_adapter import put_adapter
from stand_ins.e5_weights import put_weights, record

from app.errors import DownloadError, ModelError
from app.models import e5_engine
from app.models.e5_engine import normalised
from app.models.embedder import Embedder, fingerprint_of
from app.models.embedders import default_embedder_spec, make_embedder
from app.models.embedders.e5 import BASE, E5Embedder
from app.models.probe import korean_probe
from app.models.weights import E5, e5_is_here, resolve_e5
from app.models.weights.e5 import GGUF_FILENAME
from app.settings import load_settings

ROOT = Path(__file__).parents[3]
TEXTS = [f"{'가나다라 마바사 '[: number % 9 + 1]} abc {number} " * (number % 13 + 1) for number in range(40)]
ODD = [
    "",
    "   ",
    "\ud800 가",
    "\x00",
    "a\x00b",
    "😀",
    "🏳️‍🌈👨‍👩‍👧" * 500,
    "<s> a </s> <mask>",
    "\ufdfa" * 20_000,
    "𠀀" * 100_000,
    "가나다" * 33_334,
    "a" * 100_000,
    "가 " * 50_000,
    "\u200b" * 1_000,
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("e5")
    put_weights(folder)
    return folder


@pytest.fixture(scope="module")
def e5(cache: Path) -> Iterator[E5Embedder]:
    embedder = E5Embedder(BASE, cache_dir=cache, workers=2)
    yield embedder
    embedder.close()


def assert_unit_rows(vectors: Any, count: int) -> None:
    assert vectors.shape == (count, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


# --- before anything is loaded ---


def test_nothing_is_loaded_or_fetched_by_making_it(tmp_path: Path) -> None:
    embedder: Embedder = make_embedder("e5:", cache_dir=tmp_path / "cache")
    assert (embedder.spec, embedder.dimensions, embedder.by_sentence) == ("e5:", 384, True)
    assert embedder.embed([]).shape == (0, 384)
    assert len(embedder.fingerprint) == 64
    assert embedder.fingerprint == E5Embedder(cache_dir=tmp_path, workers=1).fingerprint
    assert not (tmp_path / "cache").exists()


def test_a_search_never_starts_a_download(tmp_path: Path) -> None:
    embedder = make_embedder("e5:", cache_dir=tmp_path)
    for use in (lambda: embedder.embed(["가"]), lambda: embedder.embed_query("가")):
        with pytest.raises(DownloadError) as caught:
            use()
        assert str(caught.value) == (
            "multilingual-e5-small is not on this machine yet."
            " Fetch it with: mutda models pull - or set MUTDA_EMBEDDER=use:"
        )


def test_who_may_fetch_passes_it_on(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, bool, Any]] = []

    def resolve(cache_dir: Path, *, allow_fetch: bool, progress: Any) -> Path:
        asked.append((cache_dir, allow_fetch, progress))
        raise DownloadError("no network")

    monkeypatch.setattr(e5_engine, "resolve_e5", resolve)
    embedder = E5Embedder(BASE, cache_dir=cache, allow_fetch=True, progress=print)
    with pytest.raises(DownloadError, match="no network"):
        embedder.embed_query("가")
    assert asked == [(cache, True, print)]


def test_the_default_is_e5_when_its_weights_are_here(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.embedders.find_spec", lambda name: None)
    assert default_embedder_spec(tmp_path) == "use:"
    assert default_embedder_spec() == "use:"
    assert default_embedder_spec(cache) == "e5:"


# --- texts ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("① ㎡ ℃ ㈜", "1 m2 °C (주)"),
        ("ＡＢＣ１２３　전각", "ABC123 전각"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
        ("ㅋㅋ", "\u110f\u110f"),
        ("2024～2025년", "2024～2025년"),
        ("보이지\u200b않는\ufeff 공백\n줄\t\u3000탭 ", "보이지 않는 공백 줄 탭"),
        ("a\x00b\x1fc\x7f", "abc"),
        ("\ud800", "?"),
        ("", ""),
    ],
)
def test_a_text_is_normalised_as_in_training(text: str, expected: str) -> None:
    assert normalised(text) == expected


def test_a_text_has_a_bounded_length() -> None:
    assert len(normalised("\ufdfa" * 1_000_000)) == len(normalised("가" * 1_000_000)) == 8_192


# --- the engine ---


def test_a_batch_gives_what_each_text_gives_alone(e5: E5Embedder) -> None:
    together = e5.embed(TEXTS)
    assert_unit_rows(together, len(TEXTS))
    alone = np.concatenate([e5.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-3)
    np.testing.assert_allclose(e5.embed(TEXTS[::-1])[::-1], together, atol=1e-3)
    assert np.abs(together[1] - together[2]).max() > 0.01  # they are not all the same


def test_a_question_is_not_a_passage(e5: E5Embedder) -> None:
    question = e5.embed_query("가나다")
    assert_unit_rows(question[None], 1)
    assert float(question @ e5.embed(["가나다"])[0]) < 0.9999
    np.testing.assert_allclose(question, e5.embed_query(" 가나다\n"), atol=1e-6)


def test_another_worker_is_loaded_for_many_texts_only(cache: Path) -> None:
    embedder = E5Embedder(BASE, cache_dir=cache, workers=2)
    embedder.embed(TEXTS[:32])
    assert len(embedder._engines.loaded) == 1
    embedder.embed(TEXTS[:33])
    assert len(embedder._engines.loaded) == 2
    embedder.embed(TEXTS * 3)
    assert len(embedder._engines.loaded) == 2


@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text[:8]))
def test_odd_texts_have_vectors(e5: E5Embedder, text: str) -> None:
    assert_unit_rows(e5.embed([text, "가"]), 2)
    assert_unit_rows(e5.embed_query(text)[None], 1)


def test_a_long_text_is_cut_at_its_end_after_512_tokens(e5: E5Embedder) -> None:
    e5.embed_query("")
    worker = e5._engines.loaded[0]
    for text in ("가a" * 300, "a b " * 300):
        tokens = worker._input(f"passage: {text}")
        assert isinstance(tokens, list) and len(tokens) == 512
        assert (tokens[0], tokens[-1]) == (0, 2)
        whole = worker._ask("/tokenize", {"content": f"passage: {text}", "add_special": True})["tokens"]
        assert len(whole) > 512 and tokens[:-1] == whole[:511]
        np.testing.assert_allclose(e5.embed([text]), e5.embed([f"{text} 나다"]), atol=1e-6)


def test_no_text_that_is_sent_uncounted_can_be_too_long(e5: E5Embedder) -> None:
    e5.embed_query("")
    text = "passage: " + "가다" * 250  # no piece of two of these: one token for each character
    worker = e5._engines.loaded[0]
    assert worker._input(text) == text
    tokens = worker._ask("/tokenize", {"content": text, "add_special": True})["tokens"]
    assert 500 < len(tokens) <= 512
    assert_unit_rows(worker.embed([text]), 1)


def test_special_tokens_in_a_text_are_text(e5: E5Embedder) -> None:
    e5.embed_query("")
    tokens = e5._engines.loaded[0]._input("a </s> <mask> <s>")
    assert tokens.count(0) == tokens.count(2) == 1
    assert 3 not in tokens


def test_several_threads_load_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Path] = []
    real = e5_engine.Engine.__init__

    def counted(self: Any, path: Path, adapter: Path | None = None, **named: Any) -> None:
        loads.append(path)
        real(self, path, adapter, **named)

    monkeypatch.setattr(e5_engine.Engine, "__init__", counted)
    embedder = E5Embedder(BASE, cache_dir=cache, workers=1)
    assert loads == []
    expected = None
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(embedder.embed, [TEXTS[:12]] * 4):
            expected = rows if expected is None else expected
            np.testing.assert_allclose(rows, expected, atol=1e-3)
    assert loads == [cache / GGUF_FILENAME]


def test_another_program_without_the_key_is_refused(e5: E5Embedder) -> None:
    e5.embed_query("")
    url = str(e5._engines.loaded[0]._client.base_url)
    assert url.startswith("http://127.0.0.1:")
    for path in ("v1/embeddings", "embedding", "tokenize", "slots", "props"):
        answer = httpx.post(f"{url}/{path}", json={"input": "?", "content": "?"}, timeout=60, trust_env=False)
        assert answer.status_code == 401, path


def test_weights_that_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / GGUF_FILENAME
    path.write_bytes(b"GGUF" + bytes(64))
    record(path)
    with pytest.raises(ModelError) as caught:
        E5Embedder(BASE, cache_dir=tmp_path).embed_query("가")
    said = str(caught.value)
    assert said.startswith(f"The engine could not load {GGUF_FILENAME} (")
    assert said.endswith("). Delete it and run: mutda models pull - or free some memory.")


def test_a_model_of_another_width(tmp_path: Path) -> None:
    put_weights(tmp_path, width=64, heads=2)
    with pytest.raises(ModelError) as caught:
        E5Embedder(BASE, cache_dir=tmp_path).embed(["가"])
    assert str(caught.value) == (
        "The engine did not answer with one vector for each text. Run the command again."
    )


def test_an_engine_that_stopped(cache: Path) -> None:
    embedder = E5Embedder(BASE, cache_dir=cache)
    embedder.embed_query("가")
    embedder._engines.loaded[0]._server = None
    with pytest.raises(ModelError) as caught:
        embedder.embed(TEXTS)
    assert str(caught.value).startswith("The engine of the embedder e5:base failed (")
    assert str(caught.value).endswith("). Run the command again; if it fails again, free some memory.")


def test_one_that_is_forgotten_is_closed(cache: Path) -> None:
    embedder = E5Embedder(BASE, cache_dir=cache)
    embedder.embed_query("가")
    url = str(embedder._engines.loaded[0]._client.base_url)
    del embedder
    gc.collect()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health", timeout=60, trust_env=False)


def test_a_program_ends_while_one_is_open(cache: Path) -> None:
    code = (
        "import sys, threading; from pathlib import Path; from app.models.embedders import make_embedder;"
        "embedder = make_embedder('e5:base', cache_dir=Path(sys.argv[1]));"
        "threading.Thread(target=embedder.embed, args=(['a b c'] * 64,)).start();"
        "print(embedder.embed_query('a').shape)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(cache)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "(384,)\n", "")


# --- the adapter ---


@pytest.fixture(scope="module")
def adapted(cache: Path) -> Iterator[E5Embedder]:
    embedder = E5Embedder(cache_dir=cache, adapter=put_adapter(cache / "adapter.gguf", head=0), workers=1)
    yield embedder
    embedder.close()


def test_the_adapter_makes_other_vectors_and_another_fingerprint(
    cache: Path, e5: E5Embedder, adapted: E5Embedder
) -> None:
    assert (adapted.spec, e5.spec) == ("e5:", "e5:base")
    assert_unit_rows(adapted.embed(TEXTS[:3]), 3)
    assert np.abs(adapted.embed(TEXTS[:1]) - e5.embed(TEXTS[:1])).max() > 1e-3
    assert np.abs(adapted.embed_query("가나다") - e5.embed_query("가나다")).max() > 1e-3
    (cache / "other").mkdir()
    other = put_adapter(cache / "other" / "adapter.gguf", head=0, strength=0.6)
    spoken_of = {
        embedder.fingerprint for embedder in (e5, adapted, E5Embedder(cache_dir=cache, adapter=other))
    }
    assert len(spoken_of) == 3
    assert E5Embedder(cache_dir=cache).fingerprint not in spoken_of


def test_a_damaged_adapter_is_told_on_one_line(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    path.write_bytes(b"no adapter")
    with pytest.raises(ModelError) as caught:
        E5Embedder(cache_dir=cache, adapter=path).embed_query("가")
    said = str(caught.value)
    assert said.startswith(f"The engine could not load adapter.gguf upon {GGUF_FILENAME} (")
    assert said.endswith(
        f"). Delete {GGUF_FILENAME} and run: mutda models pull - or free some memory, or install Mutda again."
    )
    path.unlink()
    with pytest.raises(
        ModelError, match=r"adapter of the embedder e5: cannot be read .* Install Mutda again"
    ):
        _ = E5Embedder(cache_dir=cache, adapter=path).fingerprint


def test_an_index_from_before_the_adapter_can_be_used_without_it(tmp_path: Path) -> None:
    before = fingerprint_of("e5:", E5.sha256, "query: ", "passage: ", 512, 1)
    assert E5Embedder(BASE, cache_dir=tmp_path).fingerprint == before


# --- the real weights ---


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_real_weights_know_korean() -> None:
    cache_dir = load_settings().cache_dir
    resolve_e5(cache_dir, allow_fetch=True)
    assert e5_is_here(cache_dir)
    embedder = E5Embedder(cache_dir=cache_dir)
    probe = korean_probe(embedder)
    assert probe == korean_probe(E5Embedder(cache_dir=cache_dir, workers=1))
    assert 0.5 < korean_probe(E5Embedder(BASE, cache_dir=cache_dir)) < probe - 0.05  # what its adapter is for
    texts = [
        f"{number}번. " + "근속 1년이 지난 직원은 한 해에 15일을 쉰다. " * (number % 9)
        for number in range(40)
    ]
    together = embedder.embed(texts)
    np.testing.assert_allclose(
        together, np.concatenate([embedder.embed([text]) for text in texts]), atol=1e-3
    )
    # A circled number is the number: what the normaliser is for.
    circled, plain = embedder.embed(["보호 등급 ① 방수, 온도 25℃", "보호 등급 1 방수, 온도 25°C"])
    np.testing.assert_allclose(circled, plain, atol=1e-3)
    assert_unit_rows(embedder.embed(ODD), len(ODD))
