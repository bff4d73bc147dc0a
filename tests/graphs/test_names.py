"""Which name an answer gives, and where none is told for sure."""

import pytest

from graphs.names import name_in

WHO = "Who directed the film Oppenheimer?"
WHO_KO = "영화 오펜하이머의 감독은 누구인가요?"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("Nolan directed Oppenheimer.", "Nolan"),
        ("Christopher Nolan", "Christopher Nolan"),
        ("The film Oppenheimer was directed by Christopher Nolan.", "Christopher Nolan"),
        ("The director of the film Oppenheimer is Christopher Nolan.", "Christopher Nolan"),
        ("Oppenheimer's director is Christopher Nolan.", "Christopher Nolan"),
        ("It was directed by Christopher Nolan in 2023 for Universal Pictures.", "Christopher Nolan"),
        ("In July 2023 Christopher Nolan released it in London.", "Christopher Nolan"),
        ("Oppenheimer was directed by the British filmmaker Christopher Nolan.", "Christopher Nolan"),
        ("According to the document, Christopher Nolan directed the film [1].", "Christopher Nolan"),
        ("Christopher Nolan, a British filmmaker, directed it.", "Christopher Nolan"),
        ("Director Christopher Nolan made it.", "Christopher Nolan"),
        ("Yes. The film was directed by Sir Christopher Nolan.", "Sir Christopher Nolan"),
        ("It was directed by Dr. J. R. Smith.", "Dr. J. R. Smith"),
        ("Ludwig van Beethoven made it.", "Ludwig van Beethoven"),
    ],
)
def test_an_english_person_is_found_wherever_the_name_stands(answer: str, name: str) -> None:
    assert name_in(answer, WHO, "person") == name


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "The documents do not say who directed it.",
        "It was directed in the year 2023.",
        "The film was released in the United States on July 21, 2023.",
        "Christopher Nolan's film was released in 2023.",
        "The film was directed by Joel Coen and Ethan Coen.",
        "Joel and Ethan Coen directed it.",
        "Kim Minsu, Lee Jiwon and Park Jun directed it.",
        "The Finance Team decides.",
        "Managers decide.",
        "Direction was given to somebody else.",
        "Overtime is approved by the manager.",
    ],
)
def test_what_is_no_english_persons_name_is_none(answer: str) -> None:
    assert name_in(answer, WHO, "person") is None


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("봉준호", "봉준호"),
        ("봉준호입니다.", "봉준호"),
        ("크리스토퍼 놀란이 감독했습니다.", "크리스토퍼 놀란"),
        ("영화 오펜하이머는 크리스토퍼 놀란이 감독했습니다.", "크리스토퍼 놀란"),
        ("영화 오펜하이머는 크리스토퍼 놀란에 의해 감독되었습니다.", "크리스토퍼 놀란"),
        ("감독을 맡은 사람은 크리스토퍼 놀란입니다.", "크리스토퍼 놀란"),
        ("네, 크리스토퍼 놀란(Christopher Nolan) 감독입니다.", "크리스토퍼 놀란"),
        ("크리스토퍼 놀란은 영국 출신 영화감독입니다.", "크리스토퍼 놀란"),
        ("감독은 Christopher Nolan입니다.", "Christopher Nolan"),
        ("2023년에 봉준호가 감독한 영화입니다.", "봉준호"),
        ("봉준호는 대한민국의 영화인입니다.", "봉준호"),
        ("문서에 따르면 작성자는 김민수입니다.", "김민수"),
        ("총무팀 이재은 과장입니다.", "이재은 과장"),
        ("김민수 과장이 영업팀과 함께 만들었습니다.", "김민수 과장"),
        ("김민수 씨가 만들었습니다.", "김민수"),
        ("박정원이 만들었습니다.", "박정원"),
        ("페드로 파스칼이 만들었습니다.", "페드로 파스칼"),
    ],
)
def test_a_korean_person_is_found_without_particle_and_predicate(answer: str, name: str) -> None:
    assert name_in(answer, WHO_KO, "person") == name


@pytest.mark.parametrize(
    "answer",
    [
        "아직 정해지지 않았습니다.",
        "매우 유명한 사람입니다.",
        "2023년 7월 19일입니다.",
        "이 영화는 2023년 7월 미국에서 개봉했습니다.",
        "봉준호와 박찬욱이 감독했습니다.",
        "봉준호, 박찬욱이 감독했습니다.",
        "총무팀에서 맡습니다.",
        "인사팀장이 정합니다.",
        "신청자 본인이 정합니다.",
    ],
)
def test_what_is_no_korean_persons_name_is_none(answer: str) -> None:
    assert name_in(answer, WHO_KO, "person") is None


def test_a_thing_or_a_place_stands_elsewhere_than_a_person() -> None:
    made = "The pump is made by Mirae Pumps in Busan."
    assert name_in(made, "Which company makes the pump?", "thing") == "Mirae Pumps"
    assert name_in("A rotary pump is used in Busan.", "Which pump is used?", "thing") is None
    assert name_in("The office is in Busan.", "Where is the office?", "place") == "Busan"
    assert name_in("총무팀에서 합니다.", "어느 부서가 하나요?", "thing") == "총무팀"


@pytest.mark.parametrize(
    ("question", "answer", "name"),
    [
        ("What book is it based on?", 'It is based on the book "The Last Days".', "The Last Days"),
        ("대표작은 무엇인가요?", "대표작은 『나의 작은 집』입니다.", "나의 작은 집"),
        ("대표작은 무엇인가요?", "대표작은 '나의 작은 집'입니다.", "나의 작은 집"),
    ],
)
def test_a_quoted_title_is_one_name(question: str, answer: str, name: str) -> None:
    assert name_in(answer, question, "thing") == name
