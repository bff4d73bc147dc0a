import pytest

from app.corpus.sentences import sentence_spans


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("시행은 2026. 3. 1.부터 한다. 다음.", ["시행은 2026. 3. 1.부터 한다.", "다음."]),
        ("2026. 3. 5.(목) 10시에 연다.", ["2026. 3. 5.(목) 10시에 연다."]),
        ("작성 2026. 3. 15. 시행 2026. 4. 1.\n본문.", ["작성 2026. 3. 15. 시행 2026. 4. 1.", "본문."]),
        ("2026. 3. 1. ~ 2026. 4. 1.까지 받는다.", ["2026. 3. 1. ~ 2026. 4. 1.까지 받는다."]),
        ("정원은 30명이다. 2026년에는 40명이다.", ["정원은 30명이다.", "2026년에는 40명이다."]),
        ("값은 3.5이다. 끝.", ["값은 3.5이다.", "끝."]),
        ("It is 5. Next one.", ["It is 5.", "Next one."]),
        ("See e.g. this. Done?", ["See e.g. this.", "Done?"]),
        ("하나\n둘", ["하나", "둘"]),
        ("", []),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences
