"""Which questions are several, the later ones about the answer of the first."""

import pytest

from graphs.parts import parts_of


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Who wrote the report, and when was that person hired?",
            ["Who wrote the report?", "when was that person hired?"],
        ),
        ("감독은 누구이고, 그 사람의 나이는 며칠인가요?", ["감독은 누구이고?", "그 사람의 나이는 며칠인가요?"]),
        ("대표는 누구인가요? 그 사람은 언제 취임했나요?", ["대표는 누구인가요?", "그 사람은 언제 취임했나요?"]),
        ("연차 휴가는 며칠인가요?", ["연차 휴가는 며칠인가요?"]),
        ("왕의 후계자이며 그의 아들인 인물은 누구인가?", ["왕의 후계자이며 그의 아들인 인물은 누구인가?"]),
        ("What are leave and sick pay, and who approves?", ["What are leave and sick pay, and who approves?"]),
        ("", [""]),
    ],
)
def test_parts(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts
