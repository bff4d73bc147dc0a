import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import MutdaError
from app.models.embedders.toy import ToyEmbedder
from evals.korquad import is_held, part_of
from evals.reading_sets import (
    FITTING,
    Example,
    joined,
    most_shared,
    of_korquad,
    of_sets,
    pairs,
    run_together,
)
from evals.suite import GivenPassage, read_suite

SET: dict[str, Any] = {
    "genre": "규정",
    "passages": [
        {"title": "규정 > 숙박", "text": "숙박비는 하루 9만 원까지 준다."},
        {"title": "규정 > 식비", "text": "식비는 하루 2만 원을 준다."},
    ],
    "questions": [{"text": "밥값은?", "passage": 1, "answer": "2만 원", "kind": "search"}],
    "unanswered": ["교통비는 얼마예요?"],
}


def put(folder: Path, *sets: Any) -> Path:
    lines = "\n".join(json.dumps(item, ensure_ascii=False) for item in sets)
    (folder / "a.jsonl").write_text(lines + "\n", encoding="utf-8")
    return folder


def test_a_question_is_asked_of_the_siblings_too(tmp_path: Path) -> None:
    asked, unanswered = of_sets(put(tmp_path, SET))
    assert (asked.kind, asked.question, asked.answer) == ("search", "밥값은?", "2만 원")
    assert asked.right is not None and asked.right.title == "규정 > 식비"
    assert [passage.title for passage in asked.wrong] == ["규정 > 숙박"]
    assert unanswered.right is None and len(unanswered.wrong) == 2
    assert asked.group == unanswered.group == "set:a-1"


FOLLOW_UP = {"first": "숙박비는 하루에 얼마예요?", "text": "그럼 식비는요?", "passage": 1, "answer": "2만 원"}


def test_a_follow_up_is_read_beside_the_question_before(tmp_path: Path) -> None:
    nobody = FOLLOW_UP | {"text": "그럼 교통비는요?", "passage": None, "answer": ""}
    alone = FOLLOW_UP | {"text": "저녁 식사값은 하루에 얼마까지 나오나요?"}
    examples = of_sets(put(tmp_path, SET | {"follow_ups": [FOLLOW_UP, nobody, alone]}))
    found = [example for example in examples if example.kind == "follow-up"]
    assert [example.question for example in found] == [
        "숙박비는 하루에 얼마예요? 그럼 식비는요?",
        "숙박비는 하루에 얼마예요? 그럼 교통비는요?",
        "저녁 식사값은 하루에 얼마까지 나오나요?",
    ]
    assert found[0].right is not None and found[0].answer == "2만 원"
    assert found[1].right is None and len(found[1].wrong) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"passage": None}, "no passage, and yet an answer: 2만 원"),
        ({"answer": ""}, "passage 1 does not say"),
        ({"passage": 5}, "there is no passage 5"),
    ],
)
def test_a_follow_up_has_a_passage_with_its_answer_or_neither(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(MutdaError, match=said):
        list(of_sets(put(tmp_path, SET | {"follow_ups": [FOLLOW_UP | change]})))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"passage": 2}, "there is no passage 2"),
        ({"passage": -1}, "there is no passage -1"),
        ({"answer": "3만 원"}, "does not say: 3만 원"),
        ({"kind": "odd"}, "direct"),
    ],
)
def test_a_set_that_does_not_hold_its_answer_is_told_by_its_line(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    wrong = SET | {"questions": [SET["questions"][0] | change]}
    with pytest.raises(MutdaError, match=said) as caught:
        list(of_sets(put(tmp_path, SET, wrong)))
    assert f"{tmp_path / 'a.jsonl'}:2: " in str(caught.value)


def test_the_written_sets_are_whole_and_ask_nothing_that_is_reported_on() -> None:
    found = list(of_sets())
    assert len(found) > 5000
    held = sum(example.held for example in found) / len(found)
    assert 0.1 < held < 0.2
    # All of a set or nothing.
    groups = {example.group: example.held for example in found}
    assert all(example.held == groups[example.group] for example in found)
    questions = {"".join(example.question.split()) for example in found}
    for path in (FITTING.parent / "datasets").glob("*.jsonl"):
        if "paraphrases" not in path.name:
            reported = {"".join(case.question.split()) for case in read_suite(path)}
            assert not questions & reported, path.name


def article(title: str, *paragraphs: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "title": title,
        "paragraphs": [
            {
                "context": text,
                "qas": [{"id": f"{title}-{n}", "question": question, "answers": [{"text": answer}]}],
            }
            for n, (text, question, answer) in enumerate(paragraphs)
        ],
    }


def test_what_retrieval_brings_in_place_of_the_answer_is_wrong(tmp_path: Path) -> None:
    all_fit = [title for title in map(str, range(40)) if part_of(title) == "fit"]
    fit = [*[title for title in all_fit if not is_held(title)][:2], *[t for t in all_fit if is_held(t)][:2]]
    report = next(title for title in map(str, range(40)) if part_of(title) == "report")
    text = "이 글은 아주 길게 써서 따로 한 조각이 되게 한다. "
    articles = [
        article(
            title,
            (f"{text}강의 길이는 {n + 3}킬로미터이다.", f"{n}번 강의 길이는?", f"{n + 3}킬로미터"),
            (f"{text}산의 높이는 {n + 90}미터이다.", f"{n}번 산의 높이는?", f"{n + 90}미터"),
        )
        for n, title in enumerate([*fit, report])
    ]
    path = tmp_path / "korquad.json"
    path.write_text(json.dumps({"data": articles}), encoding="utf-8")
    found = list(of_korquad(path, ToyEmbedder(64)))
    assert {example.group for example in found} == {f"korquad:{title}" for title in fit}
    assert len(found) == 8
    for example in found:
        assert example.right is not None and example.answer in example.right.text
        assert example.wrong and not any(example.answer in passage.text for passage in example.wrong)
        titles = {passage.title for passage in (example.right, *example.wrong)}
        assert {is_held(title) for title in titles} == {example.held}
        assert example.held == is_held(example.group.removeprefix("korquad:"))


def test_some_korean_questions_are_asked_with_blanks_left_out() -> None:
    right, wrong = (GivenPassage(title="", text=text) for text in ("연차는 17일이다.", "병가는 60일이다."))
    asked = {"ko": "올해 연차 휴가는 모두 며칠인가요?", "en": "How many days of leave do I have?"}
    made = {
        language: list(
            pairs(
                [
                    Example(
                        group="korquad:a", kind="direct", question=question, right=right, answer="17일",
                        wrong=(wrong,),
                    )
                ]
                * 400,
                random.Random(1),
            )
        )
        for language, question in asked.items()
    }  # fmt: skip
    assert {question for question, _, _ in made["en"]} == {asked["en"]}
    shown = Counter(question for question, _, answer in made["ko"] if answer)
    assert shown[asked["ko"]] > 270 and shown["올해연차휴가는모두며칠인가요?"] > 30 and len(shown) > 8
    assert {"".join(question.split()) for question in shown} == {"올해연차휴가는모두며칠인가요?"}
    # The wrong passage is read beside the same words: nothing is learnt from the blanks.
    assert {question for question, _, answer in made["ko"] if not answer} <= set(shown)
    assert run_together("하나", random.Random(1)) == "하나"


def test_pairs_are_each_right_one_and_a_wrong_one() -> None:
    passages = [GivenPassage(title="", text=str(n)) for n in range(9)]
    answered = Example(
        group="korquad:a",
        kind="direct",
        question="가",
        right=passages[0],
        answer="0",
        wrong=tuple(passages[1:]),
    )
    unanswered = Example(
        group="korquad:b", kind="unanswered", question="나", right=None, answer="", wrong=tuple(passages)
    )
    made = list(pairs([answered, unanswered] * 50, random.Random(1)))
    assert made == list(pairs([answered, unanswered] * 50, random.Random(1)))
    right = [pair for pair in made if pair[2] is not None]
    assert [pair[1] for pair in right] == [passages[0]] * 50 and {pair[2] for pair in right} == {"0"}
    wrong = [pair for pair in made if pair[2] is None and pair[0] == "가"]
    # One of somewhere else may be the right one, and is left out.
    assert 45 <= len(wrong) <= 50 and not any(pair[1] == passages[0] for pair in wrong)
    # Where none answers two are read, that one among them that shares the question's words.
    assert len([pair for pair in made if pair[0] == "나"]) == 100


def test_a_wrong_passage_is_often_the_one_that_shares_the_words() -> None:
    near, right, *others = (
        GivenPassage(title="출장", text=text)
        for text in (
            "숙박비 한도는 영수증으로 정한다.",
            "잠자리 값은 9만 원까지 준다.",
            "식비",
            "교통비",
            "보험",
        )
    )
    asked = "숙박비 한도는 얼마인가요?"
    assert most_shared(asked, [*others, near]) == near
    answered = Example(
        group="korquad:a", kind="direct", question=asked, right=right, answer="9만 원", wrong=(*others, near)
    )
    unanswered = replace(answered, right=None, answer="")
    read = [passage for _, passage, answer in pairs([answered] * 400, random.Random(1)) if answer is None]
    # Half of the time, and then as often as each of the others.
    assert 0.5 < read.count(near) / len(read) < 0.75
    read = [passage for _, passage, _ in pairs([unanswered] * 10, random.Random(1))]
    assert read[::2] == [near] * 10


def _clauses() -> Example:
    clauses = [
        GivenPassage(title=f"여비 지침 > 제2장 > 제{n}조", text=f"제{n}항은 {n}만 원이다.")
        for n in range(1, 5)
    ]
    return Example(
        group="set:a-1",
        kind="direct",
        question="제1항은?",
        right=clauses[0],
        answer="1만 원",
        wrong=tuple(clauses[1:]),
    )


def test_two_passages_in_one_hold_the_answer_or_do_not() -> None:
    example = _clauses()
    orders = set()
    for seed in range(40):
        made = joined(example, random.Random(seed))
        assert made.right is not None and made.right.title == "여비 지침 > 제2장"
        assert "제1조\n제1항은 1만 원이다." in made.right.text and made.right.text.count("항은") == 2
        orders.add(made.right.text.startswith("제1조"))
        assert made.wrong and all(p.text.count("항은") == 2 and "1만 원" not in p.text for p in made.wrong)
    assert orders == {True, False}
    nobody = joined(replace(example, right=None, answer=""), random.Random(1))
    assert nobody.right is None and len(nobody.wrong) == 1
    assert nobody.wrong[0].text.count("항은") == 2


def test_where_both_say_the_answer_s_words_the_right_one_stands_first() -> None:
    example = _clauses()
    twins = tuple(replace_text(passage, f"{passage.text} 1만 원은 넘는다.") for passage in example.wrong)
    for seed in range(20):
        made = joined(replace(example, wrong=twins), random.Random(seed))
        assert made.right is not None and made.right.text.startswith("제1조")


def replace_text(passage: GivenPassage, text: str) -> GivenPassage:
    return GivenPassage(title=passage.title, text=text)


def test_titles_that_share_nothing_stay_whole_in_the_text() -> None:
    one, two = GivenPassage(title="공고", text="가"), GivenPassage(title="안내 > 요금", text="나")
    example = Example(group="set:a-1", kind="x", question="q", right=None, answer="", wrong=(one, two))
    (passage,) = joined(example, random.Random(3)).wrong
    assert {"공고\n가", "안내 > 요금\n나"} == set(passage.text.split("\n\n"))
    assert passage.title in ("공고", "안내")


def test_some_sets_are_read_two_in_one_and_korquad_never() -> None:
    example = _clauses()
    made = [p for _, p, _ in pairs([example] * 300, random.Random(1))]
    assert 0.2 < sum("\n\n" in passage.text for passage in made) / len(made) < 0.4
    article = replace(example, group="korquad:a")
    assert not any("\n\n" in passage.text for _, passage, _ in pairs([article] * 300, random.Random(1)))
