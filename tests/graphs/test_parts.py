"""Which questions are several, the later ones about the answer of the first."""

import pytest

from graphs.parts import parts_of, refer


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Who wrote the report, and when was that person hired?",
            ["Who wrote the report?", "when was that person hired?"],
        ),
        (
            "감독은 누구이고, 그 사람의 나이는 며칠인가요?",
            ["감독은 누구이고?", "그 사람의 나이는 며칠인가요?"],
        ),
        (
            "대표는 누구인가요? 그 사람은 언제 취임했나요?",
            ["대표는 누구인가요?", "그 사람은 언제 취임했나요?"],
        ),
        ("연차 휴가는 며칠인가요?", ["연차 휴가는 며칠인가요?"]),
        ("왕의 후계자이며 그의 아들인 인물은 누구인가?", ["왕의 후계자이며 그의 아들인 인물은 누구인가?"]),
        (
            "What are leave and sick pay, and who approves?",
            ["What are leave and sick pay, and who approves?"],
        ),
        ("", [""]),
    ],
)
def test_parts(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    ("part", "question", "answer", "standalone"),
    [
        (
            "what is that person's age in days?", "Who directed the film Oppenheimer?",
            "Christopher Nolan directed the film Oppenheimer.", "what is Christopher Nolan's age in days?",
        ),
        ("when was his first film?", "Who directed it?", "Greta Gerwig directed it.", "when was Greta Gerwig's first film?"),
        ("그 사람의 나이는?", "영화 기생충의 감독은 누구이고?", "영화 기생충의 감독은 봉준호입니다.", "봉준호의 나이는?"),
        ("그의 나이는?", "감독은 누구인가요?", "봉준호입니다.", "봉준호의 나이는?"),
        ("그 휴가는 누가 만들었나요?", "연차 휴가는 며칠인가요?", "연차 휴가는 17일입니다.", None),
        ("그 사람의 나이는?", "감독은 누구인가요?", "", None),
        (
            "what is that person's age in days?", "Who directed the film Oppenheimer?",
            "The film Oppenheimer was directed by Christopher Nolan.", "what is Christopher Nolan's age in days?",
        ),
        (
            "그 사람의 나이는 며칠인가요?", "영화 오펜하이머의 감독은 누구이고?", "크리스토퍼 놀란이 감독했습니다.",
            "크리스토퍼 놀란의 나이는 며칠인가요?",
        ),
        ("그 부서의 전화번호는?", "어느 부서가 맡고?", "총무팀에서 맡습니다.", "총무팀의 전화번호는?"),
        ("그 사람의 나이는?", "누가 맡고?", "총무팀에서 맡습니다.", None),
        ("how big is that city?", "Where is the head office?", "It is in Busan.", "how big is Busan?"),
        ("how old is he?", "Where is the head office?", "It is in Busan.", None),
    ],
)  # fmt: skip
def test_what_a_part_points_back_at_is_put_in_its_place(
    part: str, question: str, answer: str, standalone: str | None
) -> None:
    assert refer(part, question, answer) == standalone
