import unicodedata

from evals.metrics.recall import file_name, gold_flags, recall_at, recalled


def test_only_the_file_name_counts_in_any_unicode_form() -> None:
    assert file_name("samples/복리/가격표.csv") == "가격표.csv"
    assert file_name(unicodedata.normalize("NFD", "a\\가격표.csv")) == "가격표.csv"


def test_a_gold_file_among_the_first_k() -> None:
    found = ["samples/a.txt", "samples/b.txt", "samples/c.txt"]
    assert recalled(found, ["c.txt"])
    assert not recalled(found, ["c.txt"], k=2)
    assert recalled(found, ["x.txt", "b.txt"], k=2)
    assert not recalled([], ["a.txt"])
    assert not recalled(found, ["a.txt"], k=0)


def test_a_file_is_gold_once() -> None:
    found = ["s/b.txt", "s/a.txt", "s/b.txt", "s/c.txt"]
    assert gold_flags(found, ["b.txt", "c.txt"]) == [True, False, False, True]
    assert gold_flags(found, []) == [False] * 4


def test_recall_at_k_is_a_share_of_the_gold_files() -> None:
    flags = [True, False, False, True]
    assert recall_at(flags, 2, 3) == 0.5
    assert recall_at(flags, 2, 4) == 1
    assert recall_at([], 1, 4) == 0
