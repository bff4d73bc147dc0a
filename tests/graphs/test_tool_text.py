import pytest

from graphs.tool_text import is_call, without_calls

CALL = '{"name": "search", "arguments": {"query": "연차"}}'


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"  {CALL}\n",
        f"[{CALL}, {CALL}]",
        '{"name": "search", "parameters": {"query": "연차"}}',
        f"```json\n{CALL}\n```",
        f"```\n{CALL}",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>\n{CALL}",
        f"<function_call>{CALL}</function_call>",
        f"[TOOL_CALLS] [{CALL}]",
        f"<|python_tag|>{CALL}",
    ],
)
def test_a_call_alone_leaves_nothing(text: str) -> None:
    assert without_calls(text).strip() == ""


def test_an_answer_beside_a_call_stays() -> None:
    assert without_calls(f"연차는 17일입니다.\n```json\n{CALL}\n```").strip() == "연차는 17일입니다."
    assert without_calls(f"<tool_call>{CALL}</tool_call>연차는 17일입니다.") == "연차는 17일입니다."


@pytest.mark.parametrize(
    "text",
    [
        "연차는 17일입니다.",
        "",
        '{"name": "김민수", "age": 41}',
        '```json\n{"name": "김민수"}\n```',
        "[1] 취업규칙에 있습니다.",
        "[]",
        "17",
        "{name: search, arguments: {}}",
    ],
)
def test_what_is_no_call_is_left_alone(text: str) -> None:
    assert without_calls(text) == text
    assert not is_call(text)
