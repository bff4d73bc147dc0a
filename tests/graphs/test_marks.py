"""Citation marks that a model wrote are left out, and brackets of the documents are not."""

import pytest

from app.corpus.passage import Passage
from graphs.marks import unlisted, without_marks


def plain(answer: str, text: str = "연차 휴가는 17일입니다.") -> str:
    return without_marks(answer, [Passage(id="1", source="a", heading="취업규칙", text=text)])


@pytest.mark.parametrize(
    "answer",
    [
        "연차 휴가는 17일입니다 [2].",
        "연차 휴가는 17일입니다. [2]",
        "연차 휴가는 17일[1][2]입니다.",
        "연차 휴가는 17일입니다 [1, 2].",
        "연차 휴가는 17일입니다 [1], [2].",
        "연차 휴가는 17일입니다 [1]~[3].",
        "연차 휴가는 17일입니다 (문서 [2]).",
        "연차 휴가는 17일입니다 (출처: [1], [2]).",
        "연차 휴가는 17일입니다 (문서 2).",
        "연차 휴가는 17일입니다 [문서 1].",
        "연차 휴가는 17일입니다【1】.",
        "연차 휴가는 17일입니다.\n\n출처: [1]",
        "[1] 연차 휴가는 17일입니다.",
    ],
)
def test_marks_are_left_out(answer: str) -> None:
    assert plain(answer) == "연차 휴가는 17일입니다."


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("[1]에 따르면 17일입니다.", "문서에 따르면 17일입니다."),
        ("문서 [1]에 따르면 17일입니다.", "문서에 따르면 17일입니다."),
        ("According to [1], it is 17 days [1].", "According to the documents, it is 17 days."),
        ("연차 17일 [1]과 병가 30일 [2]입니다.", "연차 17일과 병가 30일입니다."),
        ("[1] 연차는 17일\n[2] 병가는 30일", "연차는 17일\n병가는 30일"),
        ("[2]", ""),
    ],
)
def test_a_sentence_stays_whole_without_them(answer: str, left: str) -> None:
    assert plain(answer) == left


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("서식은 [별표 1]입니다.", "서식은 [별표 1]과 같다."),
        ("[1단계] 전원을 켭니다.", "[1단계] 전원을 켠다."),
        ("[3] 단추를 누릅니다.", "[3] 단추를 누르십시오."),
        ("단추 [3]을 누릅니다.", "단추 [3]을 누르십시오."),
        ("양식(자료 2)을 냅니다.", "양식(자료 2)을 제출한다."),
        ("[2026] 연도에 씁니다.", "값을 적는다."),
    ],
)
def test_brackets_of_the_documents_stay(answer: str, text: str) -> None:
    assert plain(answer, text) == answer


def test_the_mark_of_a_note_in_a_document_is_none_of_its_words() -> None:
    assert plain("1397년에 태어났다.[3] 그는 왕이다.", "1397년에 태어났다.[3] 그는 왕이다.") == (
        "1397년에 태어났다. 그는 왕이다."
    )


@pytest.mark.parametrize(
    "mark", ["1. ", "(2) ", "3)", "4.", "① ", "③", "⑴ ", "가. ", "나) ", "(다) ", "㉮ ", "ⓐ "]
)
def test_the_marks_of_a_list_are_taken_off_its_lines(mark: str) -> None:
    assert unlisted(f"차례:\n  {mark}연차 17일\n{mark}병가") == "차례:\n연차 17일\n병가"


@pytest.mark.parametrize(
    "text",
    [
        "9.", "15", "①항에 따릅니다.", "3.5배입니다.", "2026. 3. 1.부터", "연차는 ① 17일", "(3)", "9. 30.까지입니다.",
        "3. 5.(목)에 엽니다.", "30.까지입니다.", "③", "③입니다.", "②번입니다.", "①과 ③입니다.", "①, ②", "가.", "다.",
    ],
)  # fmt: skip
def test_what_is_no_mark_of_a_list_stays(text: str) -> None:
    assert unlisted(text) == text


def test_the_mark_of_a_list_is_told_from_a_date() -> None:
    assert unlisted("1. 3. 5.(목) 개회\n2. 3.5배\n3. 50.") == "3. 5.(목) 개회\n3.5배\n50."
