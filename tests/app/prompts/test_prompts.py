import re
from pathlib import Path

import pytest

from app import prompts
from app.prompts import Prompts, fields, language_of, render

ROOT = Path(__file__).parents[3]
SHIPPED = Prompts.read()
STEPS = sorted({step for step, _ in SHIPPED.texts})


@pytest.mark.parametrize("text", ["연차는 며칠인가요?", "SLA가 뭐야", "ㅋㅋ", "What does 연차 mean?"])
def test_any_hangul_makes_a_question_korean(text: str) -> None:
    assert language_of(text) == "ko"


@pytest.mark.parametrize("text", ["How many days of leave?", "2026", "", "休暇は何日", "día"])
def test_all_else_is_english(text: str) -> None:
    assert language_of(text) == "en"


def test_braces_are_filled() -> None:
    assert fields("a {b} {c} {b} {} { d }") == {"b", "c"}
    assert render("{b}-{c}-{b}", b="1", c="2") == "1-2-1"


def test_braces_inside_a_value_stay_text() -> None:
    assert render("{a} {b}", a="{b} {secret}", b="\\1") == "{b} {secret} \\1"


def test_a_field_without_a_value() -> None:
    with pytest.raises(KeyError, match="b"):
        render("{a} {b}", a="1")


def test_a_value_without_a_field() -> None:
    with pytest.raises(TypeError) as caught:
        render("{a}", a="1", z="2", b="3")
    assert str(caught.value) == "the prompt has no field b, z"


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_there_in_both_languages_with_the_same_fields(step: str) -> None:
    korean, english = SHIPPED.texts[step, "ko"], SHIPPED.texts[step, "en"]
    assert korean and english
    assert fields(korean) == fields(english)


def test_what_the_code_asks_for_is_what_is_shipped() -> None:
    files = [path for folder in ("graphs", "evals") for path in (ROOT / folder).rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    asked = set(re.findall(r'prompts\.get\(\s*"(\w+)"', code))
    assert len(asked) > 5 and asked <= set(STEPS)
    # Some nodes choose a step by its name first.
    assert [step for step in STEPS if f'"{step}"' not in code] == []


def test_a_prompt_with_its_fields() -> None:
    filled = SHIPPED.get("frame", "ko", documents="[1] 휴가: 17일", question="며칠?")
    assert "[1] 휴가: 17일" in filled and filled.endswith("며칠?")


def test_a_step_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        SHIPPED.get("nothing", "ko")


def write(folder: Path, **texts: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name.replace('__', '.')}.md").write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prompts of three families."""
    write(tmp_path, grade__ko="모두", grade__en="all", answer__ko="답", README="not a prompt")
    write(tmp_path / "qwen2.5", grade__ko="큐웬")
    write(tmp_path / "qwen2.5-coder", grade__ko="큐웬 코더", grade__en="coder")
    write(tmp_path / "llama", grade__ko="라마")
    monkeypatch.setattr(prompts, "files", lambda _: tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("family", "korean", "english"),
    [
        ("", "모두", "all"),
        ("mistral", "모두", "all"),
        ("qwen2.5-1.5b", "큐웬", "all"),
        ("qwen2.5-coder-1.5b-instruct-q4_k_m", "큐웬 코더", "coder"),  # the longest name wins
        ("llama3-ko", "라마", "all"),
    ],
)
def test_a_family_s_prompts_come_over_the_common_ones(family: str, korean: str, english: str) -> None:
    read = Prompts.read(family)
    assert (read.get("grade", "ko"), read.get("grade", "en")) == (korean, english)
    assert read.get("answer", "ko") == "답"
    assert set(read.texts) == {("grade", "ko"), ("grade", "en"), ("answer", "ko")}


def test_prompts_are_read_once(folder: Path) -> None:
    read = Prompts.read()
    (folder / "grade.ko.md").unlink()
    assert read.get("grade", "ko") == "모두"
