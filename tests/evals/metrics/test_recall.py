import unicodedata

from evals.metrics.recall import file_name, recalled


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
