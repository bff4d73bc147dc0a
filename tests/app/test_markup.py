import pytest

from app.markup import Markup, document, join, style, tag, text


def test_what_is_not_made_here_is_escaped() -> None:
    assert tag("p", "<script>&\"'") == "<p>&lt;script&gt;&amp;&quot;&#x27;</p>"
    assert tag("p", tag("b", "a<b"), 3) == "<p><b>a&lt;b</b>3</p>"


def test_attributes_are_escaped_and_may_be_left_out() -> None:
    made = tag("a", "x", href='"><script>', class_=None, open=True, hidden=False, stroke_width=2)
    assert made == '<a href="&quot;&gt;&lt;script&gt;" open stroke-width="2">x</a>'
    assert tag("input", type="checkbox") == '<input type="checkbox"/>'


def test_joined_to_plain_text_markup_is_plain_again() -> None:
    # A slip shows as tags on the page, and never runs.
    assert tag("p", tag("b", "x") + "<i>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"
    assert tag("p", f"{tag('b', 'x')}") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"


def test_what_html_cannot_hold_is_shown_as_missing() -> None:
    assert text("a\x00b\x1bc\ud800d\te\nf\x9f") == "a\ufffdb\ufffdc\ufffdd\te\nf\ufffd"
    assert text("가\u202e나\u2066") == "가\ufffd나\ufffd"  # what turns the direction of the text after it
    assert text("한글 😀 e\u0301") == "한글 😀 e\u0301"


def test_nothing_adds_nothing() -> None:
    assert join(("a", None, tag("b", None, "<"))) == "a<b>&lt;</b>"


def test_no_name_can_be_smuggled_in() -> None:
    with pytest.raises(AssertionError):
        tag("p onclick=x")
    with pytest.raises(AssertionError):
        style("</style><script>")


def test_a_document() -> None:
    assert document(Markup("<html></html>")) == "<!DOCTYPE html>\n<html></html>\n"
