import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from app.corpus.passage import Chunk
from app.errors import MutdaError
from evals.candidates import Candidate, candidates, worth
from evals.draft import DraftOptions, draft
from evals.proposals import Proposal, judge
from evals.suite import read_suite

LEAVE = "연차 휴가는 1년에 17일입니다. 신청은 사흘 전까지 팀장 온새미 씨에게 합니다. 병가는 30일입니다.\n"
TRAVEL = "출장비는 하루 45,000원입니다. 숙박비는 영수증대로 지급하되 하룻밤에 120,000원을 넘지 않습니다.\n"
OFFICE = "The office opens at 9:00 and closes at 18:30. Guests sign in with Ms Marlowe at the front desk.\n"
RULES = [
    {"contains": "17일", "text": "Q: 연차 휴가는 1년에 며칠인가요?\nA: 17일"},
    {"contains": "45,000원", "text": "질문: 출장비는 하루에 얼마인가요?\n답: “45,000원.”"},
    {
        "contains": "Marlowe",
        "text": "**Question:** Who signs in guests at the office?\n**Answer:** Ms Marlowe",
    },
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three documents, and a model that knows what to ask about them."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "문서"
    (made / "내규").mkdir(parents=True)
    (made / "내규" / "휴가.txt").write_text(LEAVE, encoding="utf-8")
    (made / "출장.txt").write_text(TRAVEL, encoding="utf-8")
    (made / "office.txt").write_text(OFFICE, encoding="utf-8")
    use(tmp_path, monkeypatch, RULES)
    return made


def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: list[dict[str, str]]) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(rules, ensure_ascii=False), encoding="utf-8")
    monkeypatch.setenv("MUTDA_MODEL", f"fake:{path}")


def drafted(options: DraftOptions) -> tuple[str, str]:
    """What went to stdout and to stderr."""
    console, told = Console(width=100), Console(width=100, stderr=True)
    with console.capture() as out, told.capture() as err:
        draft(options, console, told)
    return out.get(), err.get()


def test_a_suite_and_a_page_to_correct_it_by(folder: Path) -> None:
    out, err = drafted(DraftOptions(folder=folder))
    assert out.splitlines() == ["문서.draft.jsonl", "문서.draft.md"]
    assert err.splitlines()[-1] == "Kept 3 of 3 proposals."
    cases = {case.sources[0]: case for case in read_suite(Path("문서.draft.jsonl"))}
    assert {case.kind for case in cases.values()} == {"draft"}
    assert all(case.answerable for case in cases.values())
    assert sorted(case.id for case in cases.values()) == ["draft-01", "draft-02", "draft-03"]
    assert cases["휴가.txt"].question == "연차 휴가는 1년에 며칠인가요?"
    assert cases["출장.txt"].answers == ["45,000원"]
    assert cases["office.txt"].question == "Who signs in guests at the office?"
    page = Path("문서.draft.md").read_text(encoding="utf-8")
    assert page.startswith("# 질문 초안 3개\n") and "문서.draft.jsonl에서 그 줄을 고치거나 지우세요." in page
    assert "- 질문: 연차 휴가는 1년에 며칠인가요?\n- 답: **17일**\n- 출처: 휴가.txt\n\n> 연차 휴가는" in page
    assert "<!--" not in page


def test_no_more_than_asked_for_and_the_seed_chooses(folder: Path) -> None:
    chosen = set()
    for seed in range(6):
        file = folder.parent / f"{seed}.jsonl"
        drafted(DraftOptions(folder=folder, questions=1, out=file, seed=seed))
        (case,) = read_suite(file)
        chosen.add(case.sources[0])
        again = folder.parent / f"{seed}-again.jsonl"
        drafted(DraftOptions(folder=folder, questions=1, out=again, seed=seed))
        assert again.read_bytes() == file.read_bytes()
    assert len(chosen) > 1


def test_what_cannot_be_used_is_told_and_left_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    use(tmp_path, monkeypatch, [RULES[0], {"contains": "", "text": "Q: 출장비는 얼마인가요?\nA: 99,000원"}])
    _, err = drafted(DraftOptions(folder=folder))
    assert "broken.pdf" in err.splitlines()[0]
    kept, _, faults = err.splitlines()[-1].partition(" Dropped: ")
    assert kept == "Kept 1 of 3 proposals."
    assert set(faults.rstrip(".").split(", ")) == {
        "1 another language", "1 an answer that is not in the passage"
    }  # fmt: skip
    assert len(read_suite(Path("문서.draft.jsonl"))) == 1


def test_nothing_is_written_where_nothing_is_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tmp_path, monkeypatch, [{"contains": "", "text": "I cannot do that."}])
    with pytest.raises(MutdaError) as caught:
        drafted(DraftOptions(folder=folder))
    assert str(caught.value) == (
        "No proposal can be used. Try another --seed, or a larger model by MUTDA_MODEL."
    )
    assert list(tmp_path.glob("*.draft.*")) == []


def test_corrections_are_not_overwritten(folder: Path, tmp_path: Path) -> None:
    Path("문서.draft.md").write_text("고친 것", encoding="utf-8")
    with pytest.raises(MutdaError) as caught:
        drafted(DraftOptions(folder=folder))
    assert str(caught.value) == (
        "문서.draft.md is there already, perhaps with corrections. Name another file with --out."
    )
    with pytest.raises(MutdaError, match=r"--out q\.md is where the Markdown goes: name the suite's file"):
        drafted(DraftOptions(folder=folder, out=Path("q.md")))
    with pytest.raises(MutdaError, match=r"--out no/q\.jsonl: there is no folder no\."):
        drafted(DraftOptions(folder=folder, out=Path("no/q.jsonl")))
    with pytest.raises(MutdaError, match=r"There is no nowhere\. Check the path\."):
        drafted(DraftOptions(folder=Path("nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(MutdaError, match=r"empty holds no document that can be read\."):
        drafted(DraftOptions(folder=tmp_path / "empty"))


def test_what_was_drafted_before_the_model_failed_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.errors import ModelError
    from evals import draft as module

    ask, asked = module._ask, 0

    async def failing(*arguments: object) -> str:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise ModelError("The server went away.")
        return await ask(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_ask", failing)
    with pytest.raises(ModelError):
        drafted(DraftOptions(folder=folder))
    assert len(read_suite(Path("문서.draft.jsonl"))) == 2


def test_what_documents_and_models_write_is_text_on_the_page(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = (
        "값은 <script>alert(1)</script> ![x](http://evil.example/7) 이고 17,000원입니다. 그 밖에는 없습니다."
    )
    (folder / "내규" / "휴가.txt").write_text(hostile, encoding="utf-8")
    use(tmp_path, monkeypatch, [{"contains": "evil", "text": "Q: <b>값은 얼마인가요?\nA: 17,000원"}])
    drafted(DraftOptions(folder=folder))
    page = Path("문서.draft.md").read_text(encoding="utf-8")
    assert "<script" not in page and "<b>" not in page and "![" not in page and "http://" not in page


# -- judging


def candidate(text: str = LEAVE) -> Candidate:
    return Candidate("휴가.txt", Chunk(text=text, title="", section=(), page=None, start=0, end=len(text)))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no question with an answer"),
        ("Q: 연차 휴가는 며칠인가요?", "no question with an answer"),
        ("Q: ???\nA: 17일", "no question with an answer"),
        (f"Q: {'왜 ' * 120}?\nA: 17일", "no question with an answer"),
        ("Q: 연차는 며칠인가요?\nA: " + LEAVE.strip(), "a sentence for an answer"),
        ("Q: 연차는 며칠인가요?\nA: 17일입니다.", "a sentence for an answer"),
        ("Q: How many days of leave?\nA: 17일", "another language"),
        ("Q: 연차는 며칠인가요?\nA: 7일", "an answer that is not in the passage"),
        ("Q: 연차 휴가는 17일인가요?\nA: 17일", "a question that tells its answer"),
        ("Q: 1년에 연차 휴가는 며칠인가요?\nA: 17일", "asked already"),
        ("Q: 연차 휴가는 며칠인가요?\nA: 17일", "asked already"),
        ("Q: 연차 휴가는 1년에 며칠인가요?\nA: 30일", "asked already"),
    ],
)
def test_each_fault(text: str, fault: str) -> None:
    kept = [Proposal("연차 휴가는 1년에 며칠인가요?", "17일", candidate())]
    assert judge(text, candidate(), kept) == (None, fault)


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("Q: 병가는 1년에 며칠인가요?\nA: 30일", "병가는 1년에 며칠인가요?", "30일"),
        ("질문 1: “병가는 며칠인가요?”\n\n정답: 30일.", "병가는 며칠인가요?", "30일"),
        ("Here you are.\n- **Q:** 병가는 며칠인가요?\n- **A:** 30일", "병가는 며칠인가요?", "30일"),
        ("Q: 누구에게 신청하나요?\nA: 온새미 씨", "누구에게 신청하나요?", "온새미 씨"),
    ],
)
def test_forms_that_models_write(text: str, question: str, answer: str) -> None:
    kept = [Proposal("연차 휴가는 1년에 며칠인가요?", "17일", candidate())]
    proposal, fault = judge(text, candidate(), kept)
    assert proposal == Proposal(question, answer, candidate()) and fault == ""


# -- choosing


def test_passages_with_facts_are_worth_more() -> None:
    facts = "2026년 3월 12일에 옥지안 팀장이 E-42를 37대 고쳤고 비용은 186,000원이었습니다."
    words = "우리는 언제나 손님을 먼저 생각하고 서로 도우며 즐겁게 일하는 사람들의 모임입니다."
    assert worth(facts) > 1 > worth(words) == 0
    assert worth(facts * 4) > worth(facts) and worth("1 2 3 4 5 6 7 8 9" * 40) == 6


def test_documents_take_turns(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        paragraphs = (f"# {n}장\n\n{name} 기계 {n}호는 {'돌아갑니다. ' * 30}" for n in range(1, 6))
        (tmp_path / f"{name}.md").write_text("\n\n".join(paragraphs), encoding="utf-8")
    passages = candidates(tmp_path, 6, seed=1).passages
    assert sorted(item.source for item in passages[:3]) == ["a.md", "b.md", "c.md"]
    assert [item.source for item in passages[3:]] == [item.source for item in passages[:3]]
    assert len({re.sub(r"\s+", " ", item.chunk.text) for item in passages}) == 6


def test_a_text_in_several_files_is_asked_about_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(LEAVE, encoding="utf-8")
    assert len(candidates(tmp_path, 6, seed=1).passages) == 1
