import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from rich.cells import cell_len
from rich.console import Console

from app.errors import MutdaError
from evals.retrieval import RetrievalOptions, asked_of, ks_of, measure_retrieval
from evals.suite import Case

DOCUMENTS = {
    "휴가.txt": "연차 휴가는 1년에 17일입니다. 신청은 사흘 전까지 팀장에게 합니다.\n",
    "출장.txt": "출장비는 하루 45,000원입니다. 숙박비는 영수증대로 지급합니다.\n",
    "주차.txt": "방문객 주차는 두 시간 동안 무료입니다. 그 뒤에는 10분에 500원입니다.\n",
}


def case(question: str, answers: list[str], sources: list[str], **more: Any) -> dict[str, Any]:
    return {"question": question, "answers": answers, "answerable": True, "sources": sources, **more}


ROWS = [
    case("연차 휴가는 1년에 며칠인가요?", ["17일"], ["휴가.txt"], id="plain-1"),
    case("출장비는 하루 얼마인가요?", ["45,000"], ["출장.txt"], id="plain-2"),
    case("출장비는 이틀이면 얼마인가요?", ["90,000"], ["출장.txt"], id="sum-1"),
    {"id": "none-1", "question": "비밀번호는?", "answers": [], "answerable": False},
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "문서"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_EMBEDDER", "toy:64")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def measured(suite: Path, corpus: Path, **more: Any) -> tuple[dict[str, Any], str]:
    """The report and what was printed."""
    out = suite.parent / "r.json"
    console = Console(width=100, highlight=False)
    with console.capture() as captured:
        measure_retrieval(RetrievalOptions(suite=suite, corpus=corpus, json=out, **more), console)
    report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return report, captured.get()


def test_what_is_found_is_counted_by_kind(tmp_path: Path, corpus: Path) -> None:
    suite = write(tmp_path / "s.jsonl", ROWS)
    report, out = measured(suite, corpus, k=(1, 2), weights=(0.0,))
    (system,) = report["systems"]
    assert (system["embedder"], system["weight"], system["own_weight"]) == ("toy:64", 0.0, False)
    assert system["overall"]["questions"] == 3
    assert system["overall"]["recall"]["1"] == {"value": 1.0, "error": pytest.approx(0.261, abs=1e-3), "n": 3}
    assert {kind: numbers["questions"] for kind, numbers in system["kinds"].items()} == {"plain": 2, "sum": 1}
    assert system["overall"]["ndcg"]["value"] == 1.0 and system["overall"]["mrr"]["value"] == 1.0
    assert system["overall"]["seconds"]["value"] > 0
    # A sum stands nowhere: its file is what can be found.
    assert [(row["id"], row["gold"], row["place"]) for row in system["questions"]] == [
        ("plain-1", 1, 1), ("plain-2", 1, 1), ("sum-1", 1, 1)
    ]  # fmt: skip
    assert [row["by_answer"] for row in system["questions"]] == [True, True, False]
    assert "Questions whose answer stands in no passage: 1. For them any passage of their file counts." in out
    assert system["ingest"]["documents"] == 3 and system["ingest"]["texts"] == 3
    assert "plain, 2 questions" in out and "all, 3 questions" in out
    assert "1.000±.261" in out and "±.000" not in out


def test_a_passage_of_the_right_file_without_the_answer_is_no_hit(tmp_path: Path, corpus: Path) -> None:
    text = "\n\n".join(f"# {n}장\n\n복사기 {n}호는 {'종이가 자주 걸립니다. ' * 12}" for n in range(1, 4))
    (corpus / "복사기.md").write_text(f"{text}\n\n# 4장\n\n토너는 금고에 둡니다.\n", encoding="utf-8")
    rows = [case("복사기 2호는 종이가 자주 걸리나요?", ["금고"], ["복사기.md"], id="copier-1")]
    report, _ = measured(write(tmp_path / "s.jsonl", rows), corpus, k=(1, 50), weights=(0.0,))
    (row,) = report["systems"][0]["questions"]
    assert row["gold"] == 1 and row["found"][0]["source"] == "문서/복사기.md"
    assert row["found"][0]["gold"] is False and row["place"] != 1
    recall = report["systems"][0]["overall"]["recall"]
    assert (recall["1"]["value"], recall["50"]["value"]) == (0.0, float(row["place"] is not None))


def test_every_embedder_is_searched_with_every_weight(tmp_path: Path, corpus: Path) -> None:
    suite = write(tmp_path / "s.jsonl", ROWS)
    report, out = measured(suite, corpus, embedders=("toy:32", "toy:16"), weights=(0.0, 0.5, 1.0))
    systems = [(system["embedder"], system["weight"]) for system in report["systems"]]
    assert systems == [(f"toy:{size}", weight) for size in (32, 16) for weight in (0.0, 0.5, 1.0)]
    assert all(row["found"] for system in report["systems"] for row in system["questions"])
    assert max(map(cell_len, (line for line in out.splitlines() if "Report: " not in line))) <= 100
    folders = list((Path(os.environ["MUTDA_DATA_DIR"]) / "evals").iterdir())
    assert len(folders) == 2


def test_without_a_weight_it_is_the_probe_s(tmp_path: Path, corpus: Path) -> None:
    report, _ = measured(write(tmp_path / "s.jsonl", ROWS), corpus)
    (system,) = report["systems"]
    # It sees spelling alone, which the probe takes for no Korean at all.
    assert system["own_weight"] is True and system["weight"] == 0.0 and system["probe"] < 0.2


def test_the_collection_is_kept_until_it_is_wanted_anew(tmp_path: Path, corpus: Path) -> None:
    suite = write(tmp_path / "s.jsonl", ROWS)
    texts = [measured(suite, corpus, anew=anew)[0]["systems"][0]["ingest"] for anew in (False, False, True)]
    assert [made["texts"] for made in texts] == [3, 0, 3]
    assert [made["texts_per_second"] is None for made in texts] == [False, True, False]


def test_a_follow_up_is_searched_with_the_question_before_it() -> None:
    said = [
        {"role": "user", "content": "연차 휴가는 며칠인가요?"},
        {"role": "assistant", "content": "17일입니다."},
    ]
    leaning = Case.model_validate(case("그럼 신청은요?", [], ["휴가.txt"], id="f-1", history=said))
    assert asked_of(leaning).question == "연차 휴가는 며칠인가요? 그럼 신청은요?"
    assert asked_of(leaning).also == ""
    short = Case.model_validate(case("주차는 얼마인가요?", [], ["주차.txt"], id="f-2", history=said))
    assert asked_of(short).also == "주차는 얼마인가요?"
    assert asked_of(Case.model_validate(ROWS[0] | {"kind": "plain"})).also == ""


def test_an_uncertain_follow_up_is_searched_both_ways(tmp_path: Path, corpus: Path) -> None:
    said = [{"role": "user", "content": "연차 휴가는 1년에 며칠인가요?"}]
    rows = [case("방문객 주차는요? 무료죠", ["무료"], ["주차.txt"], id="f-1", history=said)]
    report, _ = measured(write(tmp_path / "s.jsonl", rows), corpus, weights=(0.0,))
    (row,) = report["systems"][0]["questions"]
    assert len(row["searched"]) == 2 and row["place"] in (1, 2)
    assert {found["source"] for found in row["found"][:2]} == {"문서/휴가.txt", "문서/주차.txt"}


def test_what_a_person_may_do_wrong(tmp_path: Path, corpus: Path) -> None:
    suite = write(tmp_path / "s.jsonl", ROWS[3:])
    with pytest.raises(
        MutdaError, match=r'No question of .+s\.jsonl names the files of its answer in "sources"'
    ):
        measured(suite, corpus)
    write(suite, ROWS)
    with pytest.raises(MutdaError, match=r"--corpus .+nowhere is not a folder\."):
        measured(suite, tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(MutdaError, match=r"--corpus .+other holds no document that can be read\."):
        measured(suite, tmp_path / "other")
    (tmp_path / "other" / "a.txt").write_text("다른 글", encoding="utf-8")
    with pytest.raises(MutdaError, match=r"holds none of the files that .+s\.jsonl names as sources\."):
        measured(suite, tmp_path / "other")
    with pytest.raises(MutdaError, match=r"'nonsense' is not an embedder"):
        measured(suite, corpus, embedders=("nonsense",))


class TellsNumbers:
    """A reader for which what names the number answers."""

    fingerprint = "reader"
    closed = False

    def __init__(self, said: str) -> None:
        self._said = said

    def odds(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float64]:
        return np.array([5.0 if self._said in passage else -5.0 for passage in passages])

    def close(self) -> None:
        self.closed = True


def test_with_a_reader_both_orders_are_measured(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = TellsNumbers("45,000")
    monkeypatch.setattr("evals.retrieval.open_reader", lambda settings: reader)
    monkeypatch.setattr("evals.retrieval.absence", lambda settings: None)
    question = case("연차 휴가를 방문객 주차에 쓰면 하루 얼마인가요?", ["45,000"], ["출장.txt"], id="hard")
    suite = write(tmp_path / "s.jsonl", [question])
    report, out = measured(suite, corpus, k=(1,), weights=(0.0,), reader=True)
    places = {system["embedder"]: system["questions"][0]["place"] for system in report["systems"]}
    assert places["toy:64"] > places["toy:64 + reader"]
    assert "toy:64 + reader" in out and reader.closed


def test_a_reader_that_is_not_there_is_told(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUTDA_READER", "false")
    suite = write(tmp_path / "s.jsonl", ROWS)
    with pytest.raises(MutdaError, match="There is no reader"):
        measured(suite, corpus, reader=True)


def test_a_question_whose_file_is_not_there_counts_as_not_found(tmp_path: Path, corpus: Path) -> None:
    (corpus / "출장.txt").unlink()
    report, out = measured(write(tmp_path / "s.jsonl", ROWS), corpus, weights=(0.0,))
    assert report["systems"][0]["overall"]["recall"]["8"]["value"] == pytest.approx(1 / 3)
    assert "2 questions count as not found: 출장.txt, for one, is not among the documents." in " ".join(
        out.split()
    )


@pytest.mark.parametrize("text", ["", "0", "101", "1,1", "1,x", "1,2,3,4,5,6", "-1", "٣"])
def test_a_list_of_ks_that_is_none(text: str) -> None:
    with pytest.raises(MutdaError) as caught:
        ks_of(text)
    assert str(caught.value) == (
        f"--k {text} is not a list of one to 5 different numbers from 1 to 100, such as 1,2,4,8."
    )


def test_a_list_of_ks() -> None:
    assert ks_of("8, 1,100") == (1, 8, 100)
