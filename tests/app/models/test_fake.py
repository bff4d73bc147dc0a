import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from app.errors import SettingsError
from app.models.chat import choice_probability
from app.models.fake import FakeModel, FakeReply, Rules, load_rules


async def test_a_grader_reads_the_scripted_probability() -> None:
    model = FakeModel(lambda _: FakeReply(yes=0.8))
    reply = await model.call([HumanMessage("yes or no?")], max_tokens=1, timeout_s=60, logprobs=True)
    assert reply.text == "yes"
    assert choice_probability(reply) == pytest.approx(0.8)


@pytest.mark.parametrize(("yes", "text"), [(0.0, "no"), (1.0, "yes")])
async def test_certainty_is_a_probability_too(yes: float, text: str) -> None:
    reply = await FakeModel(lambda _: FakeReply(yes=yes)).call(
        [HumanMessage("?")], max_tokens=1, timeout_s=60
    )
    assert reply.text == text
    assert choice_probability(reply) == pytest.approx(yes, abs=1e-5)


async def test_costs_count_characters_and_the_shared_prefix() -> None:
    model = FakeModel(lambda _: FakeReply(text="네 맞습니다"))
    await model.call([SystemMessage("규칙"), HumanMessage("문서 하나")], max_tokens=9, timeout_s=60)
    reply = await model.call([SystemMessage("규칙"), HumanMessage("문서 둘")], max_tokens=9, timeout_s=60)
    assert reply.prompt_tokens == len("규칙\n문서 둘")
    assert reply.cached_tokens == len("규칙\n문서 ")
    assert reply.output_tokens == 2
    assert [messages[-1].content for messages in model.fake.prompts] == ["문서 하나", "문서 둘"]


async def test_a_cut_answer_says_so() -> None:
    model = FakeModel(lambda _: FakeReply(text="연차는", truncated=True))
    assert (await model.call([HumanMessage("?")], max_tokens=1, timeout_s=60)).truncated


def test_it_answers_without_a_stream_too() -> None:
    model = FakeModel(lambda _: FakeReply(text="네 맞습니다"))
    assert model.chat().invoke("?").content == "네 맞습니다"
    assert "".join(str(piece.content) for piece in model.chat().stream("?")) == "네 맞습니다"


def answer(rules: Rules, prompt: str) -> FakeReply:
    return rules([HumanMessage(prompt)])


def test_without_rules_graders_say_yes_and_answers_quote_the_first_passage() -> None:
    rules = load_rules("")
    assert answer(rules, "Do the documents hold it? Reply only yes or no.") == FakeReply(yes=0.9)
    assert (
        answer(rules, "[1] 취업규칙: 연차는 17일이다.\n[2] 병가: 30일이다.\n질문").text == "연차는 17일이다."
    )
    assert answer(rules, "아무 문서도 없다") == FakeReply(text="")


def test_the_first_rule_that_fits_answers(tmp_path: Path) -> None:
    file = tmp_path / "규칙.json"
    file.write_text(
        json.dumps(
            [{"contains": "연차", "text": "17일"}, {"contains": "연", "yes": 0.2}], ensure_ascii=False
        ),
        encoding="utf-8",
    )
    rules = load_rules(str(file))
    assert answer(rules, "연차는?") == FakeReply(text="17일")
    assert answer(rules, "연봉은?") == FakeReply(yes=0.2)


def test_rules_that_are_not_there_or_not_json(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_rules(str(tmp_path / "none.json"))
    assert str(caught.value) == (
        f"fake:{tmp_path}/none.json cannot be read as a JSON list of rules: "
        f"[Errno 2] No such file or directory: '{tmp_path}/none.json'"
    )
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"^fake:.*broken\.json cannot be read as a JSON list of rules: Expecting"
    ):
        load_rules(str(broken))


@pytest.mark.parametrize(
    "rules",
    [
        {"contains": "x", "text": "y"},
        ["x"],
        [{"text": "y"}],
        [{"contains": 1, "text": "y"}],
        [{"contains": "x", "text": None}],
        [{"contains": "x", "yes": "maybe"}],
        [{"contains": "x", "yes": 2}],
    ],
)
def test_rules_of_another_shape_are_refused_before_the_first_question(rules: Any, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(rules), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_rules(str(file))
    assert str(caught.value) == (
        f'fake:{file} must be a JSON list of {{"contains": text, "text": text}} or '
        '{"contains": text, "yes": 0 to 1}.'
    )
