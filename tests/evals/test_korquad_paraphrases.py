"""The hand-written paraphrases: KorQuAD's questions asked in words that their paragraphs do not use.

KorQuAD itself is not part of the project (CC BY-ND). What needs it runs where the environment variable
KORQUAD names the file KorQuAD_v1.0_dev.json, or where that lies in ../shared/data beside this folder.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from app.corpus.bigrams import bigrams
from evals.korquad import part_of

ROOT = Path(__file__).parents[2]
PARAPHRASES = ROOT / "evals" / "datasets" / "korquad_paraphrases.jsonl"
KORQUAD = Path(os.environ.get("KORQUAD") or ROOT.parent / "shared" / "data" / "KorQuAD_v1.0_dev.json")

MIN_OF_A_PART = 20
MAX_OF_AN_ARTICLE = 2
MAX_SHARE = 0.5
"""Of one paraphrase's bigrams that its paragraph has too. Names and endings alone reach .45."""
MAX_MEAN_SHARE = 0.3
MAX_MEAN_OF_ORIGINALS = 0.5
"""The paraphrases' mean share, as a part of that of KorQuAD's own questions."""


class Paraphrase(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str
    question: str


def read() -> list[Paraphrase]:
    lines = PARAPHRASES.read_text(encoding="utf-8").splitlines()
    return [Paraphrase.model_validate_json(line) for line in lines]


def share(question: str, passage: str) -> float:
    """The part of the question's bigrams that the passage has too, from 0 to 1."""
    asked, there = bigrams(question), set(bigrams(passage))
    return sum(bigram in there for bigram in asked) / len(asked)


def faults(paraphrases: Sequence[Paraphrase], korquad: dict[str, Any]) -> list[str]:
    """What is wrong with paraphrases of the questions of a KorQuAD 1.0 file, a line each; [] if nothing."""
    asked = [
        (article["title"], paragraph["context"], question)
        for article in korquad["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    by_id = {question["id"]: place for place, (_, _, question) in enumerate(asked)}
    found = [f"{given.id}: no such question" for given in paraphrases if given.id not in by_id]
    if found:
        return found
    order, shares, originals = [], [], []
    for given in paraphrases:
        title, context, question = asked[by_id[given.id]]
        order.append((part_of(title) != "fit", by_id[given.id]))
        passage = f"{title.replace('_', ' ')}\n{context}"
        shares.append(share(given.question, passage))
        originals.append(share(question["question"], passage))
        if shares[-1] > MAX_SHARE:
            found.append(f"{given.id}: shares {shares[-1]:.2f} with its paragraph")
        if any(answer["text"] in given.question for answer in question["answers"]):
            found.append(f"{given.id}: holds its answer")
    if order != sorted(order):
        found.append("not in order: fit before report, then as in KorQuAD")
    titles = [asked[place][0] for _, place in order]
    found += [f"{title}: asked {n} times" for title, n in Counter(titles).items() if n > MAX_OF_AN_ARTICLE]
    parts = Counter(part_of(title) for title in titles)
    found += [f"{part}: only {parts[part]}" for part in ("fit", "report") if parts[part] < MIN_OF_A_PART]
    bound = min(MAX_MEAN_SHARE, MAX_MEAN_OF_ORIGINALS * fmean(originals))
    if fmean(shares) > bound:
        found.append(f"mean share {fmean(shares):.2f} is above {bound:.2f}")
    return found


def test_the_form() -> None:
    text = PARAPHRASES.read_text(encoding="utf-8")
    paraphrases = read()
    assert len(paraphrases) >= 2 * MIN_OF_A_PART
    assert len({given.id for given in paraphrases}) == len(paraphrases)
    assert len({given.question for given in paraphrases}) == len(paraphrases)
    assert [given.id for given in paraphrases if not re.fullmatch(r"\d+-\d+-\d+", given.id)] == []
    a_request = r"\S(?!.* {2}).*[가-힣](요|주세요)[?.]"
    assert [given for given in paraphrases if not re.fullmatch(a_request, given.question)] == []
    assert text == "".join(json.dumps(given.model_dump(), ensure_ascii=False) + "\n" for given in paraphrases)


def test_they_ask_in_other_words() -> None:
    if not KORQUAD.is_file():
        pytest.skip("needs KorQuAD_v1.0_dev.json: set KORQUAD to its path")
    assert faults(read(), json.loads(KORQUAD.read_text(encoding="utf-8"))) == []


ARTICLES = {
    part: next(f"글{n}" for n in range(99) if part_of(f"글{n}") == part) for part in ("fit", "report")
}


def made(question: str = "창고에 넣어 둔 물건은 모두 몇 개인가?") -> dict[str, Any]:
    """A KorQuAD of one article for each part, each with the same twenty questions."""
    return {
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {
                        "context": "창고에 넣어 둔 물건은 모두 마흔둘이다.",
                        "qas": [
                            {"id": f"{part}-{n}", "question": question, "answers": [{"text": "마흔둘"}]}
                            for n in range(20)
                        ],
                    }
                ],
            }
            for part, title in ARTICLES.items()
        ]
    }


def asking(question: str) -> list[Paraphrase]:
    return [Paraphrase(id=f"{part}-{n}", question=question) for part in ARTICLES for n in range(20)]


def test_nothing_else_is_wrong_with_what_is_made_up() -> None:
    given = asking("헛간에 쌓인 짐이 얼마나 되나요?")
    assert faults(given, made()) == [f"{title}: asked 20 times" for title in ARTICLES.values()]


def test_each_fault_is_found() -> None:
    given = asking("헛간에 쌓인 짐이 얼마나 되나요?")
    assert faults([Paraphrase(id="x", question="?")], made()) == ["x: no such question"]
    assert "not in order: fit before report, then as in KorQuAD" in faults(given[::-1], made())
    assert "report: only 19" in faults(given[:-1], made())
    answered = given[0].model_copy(update={"question": "쌓인 짐이 왜 마흔둘인가요?"})
    assert "fit-0: holds its answer" in faults([answered, *given[1:]], made())
    copied = given[0].model_copy(update={"question": "창고에 넣어 둔 물건은 몇인가요?"})
    assert any(fault.startswith("fit-0: shares ") for fault in faults([copied, *given[1:]], made()))
    half = asking("창고에 쌓인 물건은 얼마나 되나요?")
    assert any(fault.startswith("mean share ") for fault in faults(half, made()))
    # A paraphrase must be further from its paragraph than the question that it stands for.
    fifth = asking("헛간에 쌓인 물건은 얼마나 되나요?")
    assert not any(fault.startswith("mean share ") for fault in faults(fifth, made()))
    as_far = faults(fifth, made("헛간에 쌓인 물건은 얼마나 되는가?"))
    assert any(fault.startswith("mean share ") for fault in as_far)
