import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import ChatServer, closed_port

from app import cli
from app.errors import DownloadError
from app.models.reader import NOT_HERE
from app.models.weights import EMBEDDED, Progress

ROOT = Path(__file__).parents[2]

LEAVE = """# 휴가 규정

## 연차

연차 휴가는 1년에 17일입니다. 신청은 사흘 전까지 팀장에게 합니다.
"""
TRAVEL = "출장비는 하루 45,000원입니다. 숙박비는 영수증대로 지급합니다.\n"
OFFICE = "The office opens at nine and closes at six. Guests sign in at the front desk.\n"

QUESTION = "연차 휴가는 며칠인가요?"


@dataclass
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Mutda = Callable[..., Done]


class Keyboard(io.TextIOWrapper):
    """Input that says that a person types it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with documents, the scripted model, the toy embedder, and nothing of this machine."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "문서"
    folder.mkdir()
    (folder / "휴가.md").write_text(LEAVE, encoding="utf-8")
    (folder / "출장.txt").write_text(TRAVEL, encoding="utf-8")
    (folder / "office.txt").write_text(OFFICE, encoding="utf-8")
    for name, value in {
        "MUTDA_CACHE_DIR": str(tmp_path / "cache"),
        "MUTDA_MODEL": "fake:",
        "MUTDA_EMBEDDER": "toy:",
        "MUTDA_OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
        "HF_HOME": str(tmp_path / "hub"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr("app.models.weights.local.hub_cached", lambda *_: None)
    return tmp_path


@pytest.fixture
def mutda(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mutda:
    """Runs one command in this process, with what is piped into it."""

    def run(*words: str, stdin: str = "", at_terminal: bool = False) -> Done:
        monkeypatch.setattr(sys, "argv", ["mutda", *words])
        kind = Keyboard if at_terminal else io.TextIOWrapper
        monkeypatch.setattr(sys, "stdin", kind(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def ingested(mutda: Mutda) -> Mutda:
    done = mutda("ingest", "문서")
    assert done.code == 0, done.err
    return mutda


def subprocess_of(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **changes},
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


# -- starting


@pytest.mark.usefixtures("here")
def test_help_loads_nothing_that_takes_time() -> None:
    code = """
import sys
sys.argv = ["mutda", "--help"]
from app.cli import main
try:
    main()
except SystemExit as end:
    heavy = "faiss httpx langchain_core langgraph numpy openai pydantic rich xllamacpp".split()
    print(end.code, [name for name in heavy if name in sys.modules])
"""
    done = subprocess_of("-c", code)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0 []"
    assert "Usage: mutda [OPTIONS] COMMAND [ARGS]..." in done.stdout
    assert "..." not in done.stdout.partition("Commands:")[2], "a description is cut off"
    for command in ("ask", "chat", "ingest", "search", "status", "models", "bench", "doctor", "trace"):
        assert re.search(rf"^  {command}\s+\S.*[^.]\.?$", done.stdout, re.MULTILINE)


@pytest.mark.usefixtures("here")
def test_the_module_is_the_command() -> None:
    done = subprocess_of("-m", "app", "ask", " ")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'mutda: The question is empty. Write it in quotes, e.g. mutda ask "연차 휴가는 며칠인가요?"\n'
    )


@pytest.mark.usefixtures("here")
def test_a_bug_keeps_its_traceback() -> None:
    code = """
import sys
import app.corpus.collection
app.corpus.collection.Collection.open = None
sys.argv = ["mutda", "search", "연차"]
from app.cli import main
main()
"""
    done = subprocess_of("-c", code)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "TypeError: 'NoneType' object is not callable" in done.stderr


@pytest.mark.usefixtures("ingested")
def test_output_that_cannot_carry_korean_loses_characters_and_not_the_answer() -> None:
    done = subprocess_of("-m", "app", "search", "office", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The office opens at nine" in done.stdout


# -- mistakes: one line, exit code 2


@pytest.mark.parametrize("command", ["ask", "search"])
@pytest.mark.parametrize("question", ["", "  \n", "\x1b"])
def test_an_empty_question(mutda: Mutda, command: str, question: str) -> None:
    assert mutda(command, question) == Done(
        2,
        "",
        f'mutda: The question is empty. Write it in quotes, e.g. mutda {command} "연차 휴가는 며칠인가요?"\n',
    )


@pytest.mark.parametrize("command", ["ask", "search", "chat"])
def test_no_collection_yet(mutda: Mutda, command: str) -> None:
    words = [command] if command == "chat" else [command, QUESTION]
    assert mutda(*words) == Done(
        2,
        "",
        'mutda: There is no collection "default" yet. Make it from your documents: mutda ingest PATH...\n',
    )


def test_a_collection_whose_documents_are_all_gone(ingested: Mutda, here: Path) -> None:
    for file in (here / "문서").iterdir():
        file.unlink()
    assert ingested("ingest", "문서", "--prune").code == 0
    assert ingested("ask", QUESTION) == Done(
        2,
        "",
        'mutda: There is nothing in the collection "default" yet. '
        "Fill it from your documents: mutda ingest PATH...\n",
    )


def test_a_path_that_is_not_there(mutda: Mutda) -> None:
    assert mutda("ingest", "없음", "문서") == Done(
        2, "", "mutda: There is no 없음. Check the path, or add --prune to forget what was there.\n"
    )


def test_files_that_cannot_be_read(mutda: Mutda, here: Path) -> None:
    (here / "broken.pdf").write_bytes(b"%PDF-1.7\nbroken")
    done = mutda("ingest", "broken.pdf")
    assert done.code == 2
    assert done.err.startswith("mutda: broken.pdf: ")
    assert done.err.count("\n") == 1
    mixed = mutda("ingest", "broken.pdf", "문서")
    assert (mixed.code, mixed.err) == (0, done.err)
    assert mixed.out.startswith("3 added, 0 updated, 0 unchanged, 0 pruned · ")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "MUTDA_MODEL",
            "llama3",
            "MUTDA_MODEL='llama3': expected one of embedded:, embedded:FILE.gguf, "
            "embedded:HF-REPO/FILE.gguf, ollama:NAME, openai:NAME, fake:.",
        ),
        (
            "MUTDA_MODEL",
            "openai:a",
            "openai:a needs a server: set MUTDA_OPENAI_BASE_URL, e.g. http://127.0.0.1:8080/v1",
        ),
        (
            "MUTDA_MODEL",
            "embedded:none.gguf",
            "There is no file none.gguf. Check the name after embedded: in MUTDA_MODEL.",
        ),
        (
            "MUTDA_EMBEDDER",
            "word2vec",
            "MUTDA_EMBEDDER: 'word2vec' is not an embedder. "
            "Use one of: e5:, e5:base, use:, st:NAME, ollama:NAME, toy:",
        ),
        (
            "MUTDA_EMBEDDER",
            "toy:32",
            'The collection "default" was made with the embedder "toy:64", not with "toy:32". '
            "Choose that embedder again, or embed the collection anew: mutda ingest PATH... --rebuild",
        ),
        ("MUTDA_THREADS", "many", "MUTDA_THREADS='many': expected a whole number from 0 to 256."),
        (
            "MUTDA_COLLECTION",
            "other",
            'There is no collection "other" yet. Make it from your documents: mutda ingest PATH...',
        ),
    ],
)
def test_wrong_settings(
    ingested: Mutda, name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert ingested("ask", QUESTION) == Done(2, "", f"mutda: {line}\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["askk"], "Error: No such command 'askk'. Did you mean 'ask'?"),
        (["ask"], "Error: Missing argument 'question'."),
        (
            ["search", "x", "-k", "0"],
            "Error: Invalid value for '-k': Input should be greater than or equal to 1",
        ),
    ],
)
def test_words_that_the_command_does_not_take(mutda: Mutda, words: list[str], line: str) -> None:
    done = mutda(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == line
    assert done.err.startswith("Usage: mutda ")


# -- services: one line, exit code 3


def test_a_server_that_is_not_there(ingested: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{closed_port()}/v1"
    monkeypatch.setenv("MUTDA_MODEL", "openai:a")
    monkeypatch.setenv("MUTDA_OPENAI_BASE_URL", url)
    assert ingested("ask", QUESTION) == Done(
        3, "", f"mutda: {url} cannot be reached. Start the server, or set MUTDA_OPENAI_BASE_URL.\n"
    )


def test_what_a_server_says_is_one_line_without_controls(
    ingested: Mutda, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer(fault="500") as server:
        monkeypatch.setenv("MUTDA_MODEL", "ollama:a\x1b[2J")
        monkeypatch.setenv("MUTDA_OLLAMA_URL", server.url)
        done = ingested("ask", QUESTION)
    assert done == Done(
        3, "", f"mutda: Ollama at {server.url} answered: <html> <h1>Internal Server Error</h1> </html>\n"
    )


# -- ingest, status, search


def test_ingest_counts_and_does_nothing_twice(mutda: Mutda) -> None:
    assert re.fullmatch(
        r"3 added, 0 updated, 0 unchanged, 0 pruned · \d+ chunks · \d+\.\d s\n", mutda("ingest", "문서").out
    )
    again = mutda("ingest", "문서")
    assert again.out.startswith("0 added, 0 updated, 3 unchanged, 0 pruned · 0 chunks · ")
    assert (again.code, again.err) == (0, "")


def test_ingest_as_json(mutda: Mutda, here: Path) -> None:
    (here / "문서" / "계약.hwp").write_bytes(b"HWP")
    done = mutda("ingest", "문서", "--json")
    assert done.json | {"seconds": 0, "embed_seconds": 0} == {
        "added": 3,
        "updated": 0,
        "unchanged": 0,
        "pruned": 0,
        "missing": 0,
        "skipped": 1,
        "failed": [],
        "chunks": 3,
        "size_bytes": sum(len(text.encode()) for text in (LEAVE, TRAVEL, OFFICE)),
        "seconds": 0,
        "embed_seconds": 0,
    }
    assert mutda("ingest", "문서").out.splitlines()[1:] == ["Not of a kind that can be read: 1"]


def test_prune_forgets_what_is_gone(ingested: Mutda, here: Path) -> None:
    (here / "문서" / "출장.txt").unlink()
    kept = ingested("ingest", "문서")
    assert kept.out.splitlines()[1:] == ["Gone from the disk: 1. Forget them with --prune."]
    assert ingested("status", "--json").json["documents"] == 3
    pruned = ingested("ingest", "문서", "--prune")
    assert pruned.out.startswith("0 added, 0 updated, 2 unchanged, 1 pruned · ")
    assert ingested("status", "--json").json["documents"] == 2


def test_prune_takes_a_folder_that_is_gone(ingested: Mutda, here: Path) -> None:
    (here / "문서").rename(here / "다른 곳")
    done = ingested("ingest", "문서", "--prune")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("0 added, 0 updated, 0 unchanged, 3 pruned · ")


def test_rebuild_takes_another_embedder(ingested: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_EMBEDDER", "toy:32")
    assert ingested("ingest", "문서").code == 2
    assert ingested("ingest", "문서", "--rebuild").code == 0
    assert ingested("search", "연차").code == 0


def test_a_file_s_name_is_no_markup_and_no_command(
    mutda: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as at a terminal: the bar is drawn
    (here / "문서" / "보고[").mkdir()
    (here / "문서" / "보고[" / "red] \x1b]0;x\x07.txt").write_text("분기 보고입니다.", encoding="utf-8")
    done = mutda("ingest", "문서")
    assert done.code == 0
    assert "ingest red] ]0;x.txt" in done.err
    assert "\x1b]0" not in done.err + mutda("search", "분기 보고").out


def test_status(ingested: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(models=["llama3-ko:latest", "bge-m3:latest"]) as server:
        monkeypatch.setenv("MUTDA_OLLAMA_URL", server.url)
        monkeypatch.setenv("MUTDA_WEB_SEARCH", "ask")
        monkeypatch.delenv("MUTDA_MODEL")
        found = ingested("status", "--json").json
        lines = ingested("status").out.splitlines()
    probe = found.pop("korean probe")
    assert found == {
        "collection": "default",
        "folder": f"{os.environ['MUTDA_DATA_DIR']}/collections/default",
        "documents": 3,
        "chunks": 3,
        "embedder": "toy:64",
        "reader": NOT_HERE,
        "model": "ollama:llama3-ko",
        "weights": "not fetched: mutda models pull",
        "ollama": f"{server.url}: llama3-ko:latest, bge-m3:latest",
        "web search": "ask by DuckDuckGo",
    }
    assert lines[:3] == [
        "collection    default",
        f"folder        {found['folder']}",
        "documents     3",
    ]
    assert f"korean probe  {probe:.2f}" in lines


def test_status_of_a_fresh_machine_says_what_to_do(mutda: Mutda) -> None:
    found = mutda("status", "--json").json
    assert found["problem"] == (
        'There is no collection "default" yet. Make it from your documents: mutda ingest PATH...'
    )
    assert found["ollama"].endswith(": not reachable")
    assert found["model"] == "fake:"
    assert mutda("status").code == 0


def test_status_names_another_embedder(ingested: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_EMBEDDER", "toy:32")
    assert (
        'made with the embedder "toy:64", not with "toy:32"' in ingested("status", "--json").json["problem"]
    )


def test_status_tells_what_is_there_where_its_embedder_is_not(
    ingested: Mutda, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv("MUTDA_EMBEDDER", "ollama:bge-m3")
    monkeypatch.setenv("MUTDA_OLLAMA_URL", url)
    done = ingested("status", "--json")
    assert done.code == 0
    assert (done.json["documents"], done.json["chunks"], done.json["made with"]) == (3, 3, "toy:64")
    assert url in done.json["problem"]


def test_status_tells_whether_the_servers_answer_that_are_set(
    ingested: Mutda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUTDA_MODEL", "openai:any")
    monkeypatch.setenv("MUTDA_OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("MUTDA_WEB_SEARCH", "ask")
    monkeypatch.setenv("MUTDA_SEARCH_URL", "http://127.0.0.1:9")
    found = ingested("status", "--json").json
    assert "cannot be reached" in found["model server"]
    assert "not reachable" in found["search server"]


def test_search_shows_passages_with_their_places(ingested: Mutda) -> None:
    done = ingested("search", "연차 휴가", "-k", "1")
    first, second = done.out.splitlines()
    assert re.fullmatch(r"\d\.\d{3}  문서/휴가\.md · 휴가 규정 > 연차", first)
    assert second == "       연차 휴가는 1년에 17일입니다. 신청은 사흘 전까지 팀장에게 합니다."
    for mode in ("similarity", "mmr"):
        passages = ingested("search", "연차 휴가", "--mode", mode, "-k", "2", "--json").json
        assert passages[0]["source"] == "문서/휴가.md"
        assert len(passages) <= 2


def test_search_that_finds_nothing_says_so_in_the_question_s_language(ingested: Mutda) -> None:
    assert ingested("search", "zqxv") == Done(0, "No passages were found.\n", "")
    assert ingested("search", "꿹쒧뷁") == Done(0, "찾은 구절이 없습니다.\n", "")


# -- ask


def test_ask_prints_the_answer_with_korean_labels(ingested: Mutda) -> None:
    done = ingested("ask", QUESTION)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "연차 휴가는 1년에 17일입니다. 신청은 사흘 전까지 팀장에게 합니다. [1]"
    assert lines[1:4] == ["", "근거", "  [1] 문서/휴가.md · 휴가 규정 > 연차"]
    assert lines[4] == "      “연차 휴가는 1년에 17일입니다.”"
    assert sum("문서/휴가.md" in line for line in lines) == 1  # a place is named once
    assert lines[-2].startswith("경로  prepare → retrieve → ") and lines[-2].endswith(" → finish")
    assert re.fullmatch(
        r"비용  모델 호출 \d+회 · 새로 읽은 토큰 [\d,]+개 · 다시 쓴 토큰 [\d,]+개 · "
        r"출력 토큰 \d+개 · \d+\.\d초",
        lines[-1],
    )


def test_ask_prints_english_labels_for_an_english_question(ingested: Mutda) -> None:
    done = ingested("ask", "When does the office open?")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("The office opens at nine")
    assert "\nSources\n  [1] 문서/office.txt\n" in done.out
    assert "\nRoute  prepare → " in done.out
    assert "\nCost  model calls " in done.out


CONTRACT = {
    "question",
    "answer",
    "refused",
    "reason",
    "citations",
    "route",
    "evidence",
    "grounded",
    "cost",
    "model",
    "embedder",
    "collection",
    "trace_id",
}


def test_ask_as_json_has_the_contract_s_keys(ingested: Mutda, here: Path) -> None:
    done = ingested("ask", QUESTION, "--json")
    assert (done.code, done.err) == (0, "")
    result = done.json
    assert set(result) >= CONTRACT
    assert (result["question"], result["refused"], result["reason"]) == (QUESTION, False, "")
    assert (result["model"], result["embedder"], result["collection"]) == ("fake:", "toy:64", "default")
    assert 0 <= result["evidence"] <= 1 and 0 <= result["grounded"] <= 1
    assert set(result["cost"]) == {
        "llm_calls",
        "prompt_tokens",
        "cached_tokens",
        "output_tokens",
        "searches",
        "seconds",
    }
    citation = result["citations"][0]
    assert set(citation) >= {"n", "source", "section", "page", "start", "end", "text"}
    assert (citation["n"], citation["source"]) == (1, "문서/휴가.md")
    assert citation["text"] in (here / "문서" / "휴가.md").read_text(encoding="utf-8")


def test_an_honest_refusal_is_no_failure(
    ingested: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = here / "rules.json"
    rules.write_text('[{"contains": "Do the documents", "yes": 0.001}]')
    monkeypatch.setenv("MUTDA_MODEL", f"fake:{rules}")
    done = ingested("ask", QUESTION)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("문서에서 이 질문의 답을 찾지 못했습니다.\n이유  찾은 문서에 답이 없습니다.\n")
    assert "근거" not in done.out and "답이 있을 만한 곳" not in done.out


def test_a_refusal_in_doubt_says_where_to_look(
    ingested: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = here / "rules.json"
    rules.write_text('[{"contains": "Do the documents", "yes": 0.78}]')
    monkeypatch.setenv("MUTDA_MODEL", f"fake:{rules}")
    done = ingested("ask", QUESTION)
    assert (done.code, done.err) == (0, "")
    assert "\n답이 있을 만한 곳\n      문서/휴가.md" in done.out
    assert "17일" not in done.out


def test_a_question_in_broken_bytes_is_still_a_question(ingested: Mutda) -> None:
    done = ingested("ask", "연차 휴가는 며칠\udcec인가요?", "--json")
    assert (done.code, done.json["question"]) == (0, "연차 휴가는 며칠?인가요?")


def test_what_documents_and_models_say_cannot_command_the_terminal(
    ingested: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = here / "rules.json"
    text = "연차 휴가는\x1b 1년에\x9b 17일\x08입니다.\x07"
    rules.write_text(json.dumps([{"contains": "Answer the question", "text": text}]), encoding="utf-8")
    monkeypatch.setenv("MUTDA_MODEL", f"fake:{rules}")
    done = ingested("ask", QUESTION)
    assert done.out.startswith("연차 휴가는 1년에 17일입니다. [1]\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out)


# -- consent


@pytest.fixture
def asks_first(ingested: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch) -> Mutda:
    """Documents that never suffice, and a search that needs consent."""
    rules = here / "rules.json"
    rules.write_text('[{"contains": "Do the documents", "yes": 0.001}]')
    monkeypatch.setenv("MUTDA_MODEL", f"fake:{rules}")
    monkeypatch.setenv("MUTDA_WEB_SEARCH", "ask")
    monkeypatch.setenv("MUTDA_SEARCH_URL", f"http://127.0.0.1:{closed_port()}")
    return ingested


def test_without_a_person_nothing_leaves_the_machine(asks_first: Mutda) -> None:
    done = asks_first("ask", QUESTION, stdin="y\ny\ny\n")
    assert (done.code, done.err) == (0, "")
    assert "알림  허락하지 않아 웹 검색은 하지 않았습니다." in done.out
    assert asks_first("ask", QUESTION, "--json").json["notices"][-1] == "web search was declined"


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [
        ("y", True),
        ("Yes", True),
        ("네", True),
        ("예", True),
        ("ㅛ", True),
        ("", False),
        ("n", False),
        ("아니요", False),
    ],
)
def test_a_person_is_asked_in_the_question_s_language(asks_first: Mutda, typed: str, agreed: bool) -> None:
    done = asks_first("ask", QUESTION, stdin=f"{typed}\n", at_terminal=True)
    assert done.err.startswith("이 검색어를 인터넷으로 보낼까요? “")
    assert done.err.endswith("” [y/N] ")
    assert ("웹 검색은 하지 않았습니다" in done.out) is not agreed
    assert ("닿지 못했습니다" in done.out) is agreed  # the search server is at a closed port


def test_no_line_is_no_consent(asks_first: Mutda) -> None:
    done = asks_first("ask", "When is the picnic?", at_terminal=True)
    assert done.code == 0
    assert done.err.startswith("Send this query to the internet? “")
    assert "Notice  web search was declined" in done.out


# -- chat


def test_chat_remembers_until_it_starts_over(ingested: Mutda) -> None:
    done = ingested(
        "chat",
        stdin=f"{QUESTION}\n\n그럼 신청은 언제까지 하나요?\n/new\n출장비는 얼마인가요?\n/exit\nnot asked\n",
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("질문을 입력하세요. 새 대화는 /new, 끝내려면 /exit.\n")
    costs = re.findall(r"모델 호출 (\d+)회", done.out)
    assert len(costs) == 3
    alone = re.findall(r"모델 호출 (\d+)회", ingested("ask", "출장비는 얼마인가요?").out)
    assert costs[1] == costs[0]
    assert costs[2] == alone[0]
    assert "묻다>" not in done.out  # nobody sees a prompt in a pipe


def test_the_follow_up_is_asked_with_what_was_said_before(
    ingested: Mutda, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    from app.models.fake import Rules

    answer = Rules.__call__

    def listening(self: Rules, messages: Any) -> Any:
        seen.append(str(messages[-1].content))
        return answer(self, messages)

    monkeypatch.setattr(Rules, "__call__", listening)
    ingested("chat", stdin=f"{QUESTION}\n그럼 신청은 언제까지 하나요?\n")
    assert any(f"Question: {QUESTION} 그럼 신청은 언제까지 하나요?" in prompt for prompt in seen)


def test_chat_goes_on_after_a_service_failed(ingested: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(fault="500") as server:
        monkeypatch.setenv("MUTDA_MODEL", "ollama:a")
        monkeypatch.setenv("MUTDA_OLLAMA_URL", server.url)
        done = ingested("chat", stdin=f"{QUESTION}\n{QUESTION}\n")
    assert done.code == 0
    assert len(done.err.splitlines()) == 2
    assert all(line.startswith(f"mutda: Ollama at {server.url} answered: ") for line in done.err.splitlines())


@pytest.mark.usefixtures("ingested")
@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_ends_a_waiting_chat_at_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "app", "chat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
    ) as chat:
        assert chat.stdin and chat.stdout and chat.stderr
        chat.stdout.readline()
        chat.stdin.write(f"{QUESTION}\n")
        chat.stdin.flush()
        while not chat.stdout.readline().startswith("비용"):
            assert chat.poll() is None
        time.sleep(0.5)  # until it waits for the next line
        chat.send_signal(signal.SIGINT)
        assert chat.wait(timeout=120) == 130
        assert chat.stderr.read() == ""


# -- models pull


def test_pull_asks_for_the_embedded_weights(
    mutda: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Path]] = []

    def resolve(name: str, cache_dir: Path, *, progress: Callable[[Progress], None]) -> Path:
        asked.append((name, cache_dir))
        progress(Progress(source="hub", done_bytes=10, total_bytes=100, detail="part 1"))
        return cache_dir / "x.gguf"

    monkeypatch.setattr("app.models.weights.resolve_gguf", resolve)
    assert mutda("models", "pull") == Done(0, f"{here}/cache/x.gguf\n", "")
    monkeypatch.setenv("MUTDA_MODEL", "embedded:Org/Repo/y.gguf")
    mutda("models", "pull")
    assert asked == [("", here / "cache"), ("Org/Repo/y.gguf", here / "cache")]


def test_pull_with_the_verified_file_there_does_nothing(
    mutda: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = EMBEDDED.target(here / "cache")
    target.parent.mkdir()
    target.write_bytes(b"GGUF")
    status = target.stat()
    record = {"size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": EMBEDDED.sha256}
    (here / "cache" / f"{EMBEDDED.filename}.verified").write_text(json.dumps(record))
    assert mutda("models", "pull") == Done(0, f"{target}\n", "")
    assert target.read_bytes() == b"GGUF"
    assert sorted(path.name for path in target.parent.iterdir()) == [target.name, f"{target.name}.verified"]


def test_pull_brings_the_embedder_unless_another_is_set(
    mutda: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.weights.resolve_gguf", lambda *_, **__: here / "x.gguf")
    monkeypatch.setattr("app.models.weights.resolve_e5", lambda *_, **__: here / "e5.gguf")
    monkeypatch.setenv("MUTDA_EMBEDDER", "use:")
    assert mutda("models", "pull") == Done(0, f"{here}/x.gguf\n", "")
    for spec in ("", "e5:"):
        monkeypatch.setenv("MUTDA_EMBEDDER", spec)
        assert mutda("models", "pull") == Done(0, f"{here}/x.gguf\n{here}/e5.gguf\n", "")


def test_an_embedder_that_cannot_be_pulled_is_no_failure_unless_it_is_asked_for(
    mutda: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> Path:
        raise DownloadError("The index cannot be reached.")

    monkeypatch.setattr("app.models.weights.resolve_gguf", lambda *_, **__: here / "x.gguf")
    monkeypatch.setattr("app.models.weights.resolve_e5", unreachable)
    monkeypatch.setenv("MUTDA_EMBEDDER", "")
    said = "The embedder use: will do instead. The index cannot be reached.\n"
    assert mutda("models", "pull") == Done(0, f"{here}/x.gguf\n", said)
    monkeypatch.setenv("MUTDA_EMBEDDER", "e5:")
    assert mutda("models", "pull") == Done(3, f"{here}/x.gguf\n", "mutda: The index cannot be reached.\n")
