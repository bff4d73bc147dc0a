import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from evals.korquad import KINDS, Part, build, main, part_of, read_korquad
from evals.suite import read_suite

PARAGRAPHS = 4
ARTICLES = 24


def korquad() -> dict[str, Any]:
    """Each paragraph has a question of its own answer, and one whose answer stands in all of them."""
    return {
        "version": "KorQuAD_v1.0_dev",
        "data": [
            {
                "title": f"글_{a}/{'제목' * 40 if a == 0 else ''}",
                "paragraphs": [
                    {
                        "context": f"모두에 공통인 낱말. 글 {a}의 답은 답{a}x{p}끝이다.",
                        "qas": [
                            {
                                "id": f"{a}-{p}-own",
                                "question": f"글 {a}의 {p}번째 답은?",
                                "answers": [{"text": f"답{a}x{p}끝", "answer_start": 0}],
                            },
                            {
                                "id": f"{a}-{p}-common",
                                "question": "모두에 무엇인 낱말인가?",
                                "answers": [{"text": "공통 인", "answer_start": 4}],
                            },
                        ],
                    }
                    for p in range(PARAGRAPHS)
                ],
            }
            for a in range(ARTICLES)
        ],
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "KorQuAD.json"
    path.write_text(json.dumps(korquad(), ensure_ascii=False), encoding="utf-8")
    return path


def test_the_suite_and_the_corpus_fit_together(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([str(source), str(out), "--questions", "18", "--seed", "3"]) == 0
    cases = read_suite(out / "suite.jsonl")
    texts = {path.name: path.read_text(encoding="utf-8") for path in (out / "corpus").iterdir()}
    everything = "\n".join(texts.values())
    assert [case.kind for case in cases] == ["answerable", "left_out", "near"] * 6
    left_out = {case.id.split("-")[1] for case in cases if case.kind == "left_out"}
    for case in cases:
        kind, article, paragraph, own = case.id.split("-")
        gold = f"답{article}x{paragraph}끝"
        if kind == "answerable":
            assert case.answerable and len(case.sources) == 1
            assert gold in texts[case.sources[0]]
            assert case.answers == ([gold] if own == "own" else ["공통 인"])
        else:
            assert not case.answerable and case.answers == [] and case.sources == []
            assert gold not in everything
        if kind == "left_out":
            assert f"답{article}x" not in everything
        if kind == "near":
            assert own == "own", "an answer that other paragraphs hold is not near"
            assert f"답{article}x" in everything and article not in left_out
    near = sum(case.kind == "near" for case in cases)
    assert len(texts) == ARTICLES * PARAGRAPHS - len(left_out) * PARAGRAPHS - near
    of_article = [case.id.split("-")[1] for case in cases]
    assert max(of_article.count(article) for article in of_article) <= 3


@pytest.mark.parametrize(("questions", "more"), [(19, ["answerable"]), (20, ["answerable", "left_out"])])
def test_what_is_left_over_goes_to_the_kinds_in_their_order(
    source: Path, questions: int, more: list[str]
) -> None:
    built = build(read_korquad(source), questions=questions, seed=3, part="report")
    assert [case.kind for case in built.cases] == [*KINDS * 6, *more]


def test_more_than_three_are_asked_of_an_article_only_where_there_are_too_few(source: Path) -> None:
    articles = read_korquad(source)

    def most(questions: int) -> int:
        asked = [
            case.id.split("-")[1] for case in build(articles, questions=questions, seed=1, part="fit").cases
        ]
        return max(map(asked.count, asked))

    assert most(9) <= 3
    assert most(30) > 3


def test_file_names_are_plain_and_texts_begin_with_the_title(source: Path) -> None:
    built = build(read_korquad(source), questions=3, seed=1, part="report")
    for name, text in built.files.items():
        assert "/" not in name and len(name.encode()) < 240 and name.endswith(".txt")
        title, empty, _ = text.split("\n", 2)
        assert title.startswith("글 ") and empty == ""


def test_questions_come_from_one_half_alone(source: Path) -> None:
    articles = read_korquad(source)
    titles = {str(number): article.title for number, article in enumerate(articles)}
    for part in get_args(Part):
        built = build(articles, questions=12, seed=1, part=part)
        assert {part_of(titles[case.id.split("-")[1]]) for case in built.cases} == {part}
        assert build(articles, questions=12, seed=1, part=part) == built


def test_the_halves_are_the_same_in_every_process() -> None:
    titles = [f"제목 {number}" for number in range(40)]
    here = "".join(part_of(title)[0] for title in titles)
    code = "from evals.korquad import part_of; print(''.join(part_of(f'제목 {n}')[0] for n in range(40)))"
    there = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert there.stdout.strip() == here
    assert 10 <= here.count("f") <= 30


def test_what_a_user_may_do_wrong(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main([str(tmp_path / "none.json"), str(out)]) == 2
    assert "none.json cannot be read: No such file or directory." in capsys.readouterr().err
    (tmp_path / "bad.json").write_text('{"data": [{"title": "x"}]}')
    assert main([str(tmp_path / "bad.json"), str(out)]) == 2
    assert "bad.json is not a KorQuAD 1.0 file (data.0.paragraphs)." in capsys.readouterr().err
    assert main([str(source), str(out), "--questions", "300"]) == 2
    assert 'questions of the kind "' in capsys.readouterr().err
    assert not out.exists()
    assert main([str(source), str(out), "--questions", "3"]) == 0
    assert main([str(source), str(out), "--questions", "3"]) == 2
    assert "out is not an empty folder: delete it, or choose another one." in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([str(source), str(out), "--questions", "2"])
    assert "--questions must be at least 3" in capsys.readouterr().err


# -- paraphrases


def write_paraphrases(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return path


def test_paraphrases_are_asked_beside_their_originals_over_every_paragraph(
    source: Path, tmp_path: Path
) -> None:
    titles = {str(number): article.title for number, article in enumerate(read_korquad(source))}
    rows = [{"id": f"{a}-1-own", "question": f"글 {a}에서 둘째로 물을 것"} for a in range(ARTICLES)]
    given = write_paraphrases(tmp_path / "p.jsonl", rows)
    asked = set()
    for part in get_args(Part):
        out = tmp_path / part
        assert main([str(source), str(out), "--paraphrases", str(given), "--part", part]) == 0
        cases = read_suite(out / "suite.jsonl")
        texts = {path.name: path.read_text(encoding="utf-8") for path in (out / "corpus").iterdir()}
        assert len(texts) == ARTICLES * PARAGRAPHS
        assert [case.kind for case in cases] == ["paraphrased", "original"] * (len(cases) // 2)
        for other, original in zip(cases[::2], cases[1::2], strict=True):
            article = other.id.removeprefix("paraphrased-").split("-")[0]
            assert part_of(titles[article]) == part
            assert other.question == f"글 {article}에서 둘째로 물을 것"
            assert original.question == f"글 {article}의 1번째 답은?"
            assert original.id == f"original-{article}-1-own"
            assert other.answers == original.answers == [f"답{article}x1끝"]
            assert other.sources == original.sources and other.answers[0] in texts[other.sources[0]]
            asked.add(article)
    assert len(asked) == ARTICLES


def test_paraphrases_that_cannot_be(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = write_paraphrases(tmp_path / "p.jsonl", [{"id": "x", "question": "무엇?"}])
    command = [str(source), str(tmp_path / "out"), "--paraphrases", str(given)]
    assert main(command) == 2
    assert capsys.readouterr().err == 'There is no question "x" in this KorQuAD file.\n'
    write_paraphrases(given, [{"id": "0-0-own", "question": " "}])
    assert main(command) == 2
    assert capsys.readouterr().err == f'{given}:1: this is not {{"id": text, "question": text}}\n'
    given.unlink()
    assert main(command) == 2
    assert capsys.readouterr().err == f"{given} cannot be read: No such file or directory.\n"
    title = read_korquad(source)[0].title
    write_paraphrases(given, [{"id": "0-0-own", "question": "무엇?"}])
    other = "fit" if part_of(title) == "report" else "report"
    assert main([*command, "--part", other]) == 2
    assert capsys.readouterr().err == f'No paraphrase is of the half "{other}".\n'
    assert not (tmp_path / "out").exists()
