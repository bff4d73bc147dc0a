"""Chunks: nothing lost, nothing too long, offsets exact, and each chunk understood alone."""

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from app.corpus.load import is_supported, load
from app.corpus.load.base import DocumentBuilder
from app.corpus.passage import Chunk, LoadedDocument
from app.corpus.split import split

WORDS = [
    *(
        "회사는",
        "직원에게",
        "연차",
        "휴가를",
        "준다.",
        "그리고",
        "A/S",
        "기간은",
        "3.5년이다!",
        "왜?",
        "가.",
        "나.",
    ),
    "https://example.com/매우긴주소",
]


def document(*, title: str = "규정") -> DocumentBuilder:
    return DocumentBuilder("test", Path(f"{title}.txt"))


def summary(chunks: list[Chunk]) -> list[tuple[tuple[str, ...], str]]:
    return [(chunk.section, chunk.text) for chunk in chunks]


def check(loaded: LoadedDocument, chunks: list[Chunk], max_chars: int) -> None:
    """What must hold for every document."""
    for chunk in chunks:
        assert chunk.text == loaded.text[chunk.start : chunk.end]
        assert 0 < len(chunk.text) <= max_chars
        assert chunk.text == chunk.text.strip()
        assert chunk.title == loaded.title
    assert all(a.end <= b.start for a, b in pairwise(chunks))
    covered = set()
    for chunk in chunks:
        covered.update(range(chunk.start, chunk.end))
    for block in loaded.blocks:
        if block.kind != "heading":
            lost = [
                index for index in range(block.start, block.end)
                if index not in covered and not loaded.text[index].isspace()
            ]  # fmt: skip
            assert not lost
        # A heading is in the text of a chunk, or in the section of one.
        elif not covered.issuperset(range(block.start, block.end)):
            assert any(loaded.text[block.start : block.end] in chunk.section for chunk in chunks)
    for chunk in chunks:
        # The chunk's section stands above every block in it, and what is deeper is in the text.
        for block in loaded.blocks:
            if block.kind != "heading" and block.start < chunk.end and chunk.start < block.end:
                assert block.section[: len(chunk.section)] == chunk.section
                assert all(heading in chunk.text for heading in block.section[len(chunk.section) :])
                assert chunk.page == block.page


@pytest.mark.parametrize("seed", range(40))
def test_properties_hold_for_random_documents(seed: int) -> None:
    chance = random.Random(seed)
    builder = document()
    page = None if seed % 2 else 1
    for number in range(chance.randrange(1, 60)):
        if page is not None and chance.random() < 0.1:
            page += 1
        words = " ".join(chance.choices(WORDS, k=chance.choice((1, 3, 10, 40, 150))))
        match chance.randrange(6):
            case 0 | 1:
                builder.heading(f"제{number}조 {chance.choice(WORDS)}", chance.randrange(1, 5), page=page)
            case 2:
                builder.table(
                    [
                        " · ".join(f"열{i}: {words[:40]}" for i in range(chance.choice((2, 30))))
                        for _ in range(5)
                    ],
                    page=page,
                )
            case 3:
                builder.paragraph("가" * chance.randrange(1, 900), page=page)
            case _:
                builder.paragraph(words.replace(". ", chance.choice((". ", ".\n"))), page=page)
    loaded = builder.build()
    for target_chars, max_chars in ((260, 400), (100, 100), (30, 70)):
        check(loaded, split(loaded, target_chars=target_chars, max_chars=max_chars), max_chars)


def test_properties_hold_for_the_samples(samples: Path) -> None:
    for path in sorted(filter(is_supported, samples.iterdir())):
        loaded = load(path)
        chunks = split(loaded)
        check(loaded, chunks, 400)
        assert chunks


def test_paragraphs_of_one_section_are_packed_up_to_the_target() -> None:
    builder = document()
    builder.heading("휴가", 1)
    for number in range(6):
        builder.paragraph(f"{number} " + "가" * 98)

    assert [len(chunk.text) for chunk in split(builder.build())] == [202, 202, 202]
    assert {chunk.section for chunk in split(builder.build())} == {("휴가",)}


def test_sections_and_pages_are_not_mixed() -> None:
    builder = document()
    builder.heading("하나", 1, page=1)
    builder.paragraph("가" * 150, page=1)
    builder.paragraph("나" * 50, page=2)
    builder.heading("둘", 1, page=2)
    builder.paragraph("다" * 150, page=2)

    assert [(c.section, c.page, c.text[0]) for c in split(builder.build())] == [
        (("하나",), 1, "가"),
        (("하나",), 2, "나"),
        (("둘",), 2, "다"),
    ]


def test_short_articles_share_a_chunk_that_names_each() -> None:
    builder = document()
    builder.heading("제3장 휴가", 1)
    builder.heading("제12조(병가)", 2)
    builder.paragraph("12일을 준다.")
    builder.heading("제13조(공가)", 2)
    builder.paragraph("투표일에 준다.")
    builder.heading("제14조(연차)", 2)
    builder.paragraph("가" * 200)
    builder.heading("제4장 임금", 1)
    builder.paragraph("23일에 준다.")

    assert summary(split(builder.build())) == [
        (("제3장 휴가",), "제12조(병가)\n\n12일을 준다.\n\n제13조(공가)\n\n투표일에 준다."),
        (("제3장 휴가", "제14조(연차)"), "가" * 200),
        (("제4장 임금",), "23일에 준다."),
    ]


def test_a_lead_in_joins_the_short_sections_below_it() -> None:
    builder = document()
    builder.heading("연락처", 1)
    builder.paragraph("부서마다 다르다.")
    builder.heading("영업", 2)
    builder.paragraph("내선 4107")
    builder.heading("총무", 2)
    builder.paragraph("내선 4108")

    assert summary(split(builder.build())) == [
        (("연락처",), "부서마다 다르다.\n\n영업\n\n내선 4107\n\n총무\n\n내선 4108")
    ]


def test_a_short_article_among_long_ones_stays_alone_with_its_label() -> None:
    builder = document()
    for number, length in ((1, 300), (2, 40), (3, 300)):
        builder.heading(f"제{number}조", 1)
        builder.paragraph("가" * length)

    assert [(c.section, len(c.text)) for c in split(builder.build())] == [
        (("제1조",), 300),
        (("제2조",), 40),
        (("제3조",), 300),
    ]


def test_headings_with_nothing_under_them_are_text() -> None:
    builder = document()
    builder.heading("준비물", 1)
    builder.heading("연필", 2)
    builder.heading("지우개", 2)

    assert summary(split(builder.build())) == [(("준비물",), "연필\n\n지우개")]

    # Joined with what is not under "준비물", that heading is text, too.
    builder.heading("끝", 1)

    assert summary(split(builder.build())) == [((), "준비물\n\n연필\n\n지우개\n\n끝")]


def test_long_paragraphs_are_cut_at_the_ends_of_sentences() -> None:
    sentences = [f"{number}. 가번 규정은 3.5년이 지나면 다시 살핀다." for number in range(1, 40)]
    builder = document()
    builder.paragraph(" ".join(sentences))
    chunks = split(builder.build())

    assert len(chunks) > 3
    assert all(chunk.text.endswith("살핀다.") and chunk.text[0].isdigit() for chunk in chunks)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("했다.그리고 갔다.", ["했다.", "그리고 갔다."]),
        ("좋아요! 왜요? 네.", ["좋아요!", "왜요?", "네."]),
        ('그는 "갔다." 라고 했다.', ['그는 "갔다."', "라고 했다."]),
        ("3. 1. 운동은 가. 나. 순이다. 끝", ["3. 1. 운동은 가. 나. 순이다.", "끝"]),
        ("한 줄\n두 줄", ["한 줄", "두 줄"]),
        ("값은 3.5이다… 정말이다。다음", ["값은 3.5이다…", "정말이다。", "다음"]),
    ],
)
def test_ends_of_sentences(text: str, pieces: list[str]) -> None:
    builder = document()
    builder.paragraph(text)
    # With a target of one character nothing is packed, and only sentences within the maximum stay whole.
    max_chars = max(map(len, pieces))

    assert [chunk.text for chunk in split(builder.build(), target_chars=1, max_chars=max_chars)] == pieces


def test_rows_are_never_cut_unless_one_alone_is_too_long() -> None:
    rows = [f"품번: MT-{number} · 단가: {number * 1000}원 · 비고: 없음" for number in range(100)]
    builder = document()
    builder.table(rows)
    chunks = split(builder.build())

    assert [row for chunk in chunks for row in chunk.text.split("\n")] == rows

    builder = document()
    builder.table([" · ".join(f"열{number}: 값이 있다" for number in range(80))])
    chunks = split(builder.build())

    assert len(chunks) > 2
    assert all(chunk.text.strip(" ·").startswith("열") and chunk.text.endswith("있다") for chunk in chunks)


def test_a_small_rest_joins_the_chunk_before() -> None:
    builder = document()
    builder.paragraph("가" * 250)
    builder.paragraph("끝이다.")

    assert len(split(builder.build())) == 1


def test_a_document_without_blocks_has_no_chunks() -> None:
    assert split(document().build()) == []


@pytest.mark.parametrize(("target_chars", "max_chars"), [(0, 10), (11, 10), (-1, -1)])
def test_limits_that_make_no_sense(target_chars: int, max_chars: int) -> None:
    with pytest.raises(ValueError, match=r"target_chars must be in 1\.\.max_chars"):
        split(document().build(), target_chars=target_chars, max_chars=max_chars)


def test_the_heading_does_not_repeat_the_title() -> None:
    builder = document()
    builder.heading("규정", 1)
    builder.heading("휴가", 2)
    builder.paragraph("본문")
    (chunk,) = split(replace(builder.build(), title="규정"))

    assert chunk.heading == "규정 > 휴가"
