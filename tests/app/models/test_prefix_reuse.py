from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from app.models.prefix_reuse import PrefixReuse


def prompt(documents: str, end: str) -> list[BaseMessage]:
    return [SystemMessage("규칙"), HumanMessage(f"{documents}\n{end}")]


ONE, OTHER = "가나다 " * 100, "라마바 " * 100


def test_the_first_prompt_counts_as_read() -> None:
    assert PrefixReuse().cached_tokens(prompt(ONE, "물음"), tokens=400, seconds=8.0) == 0


def test_a_later_step_is_estimated_from_its_time() -> None:
    reuse = PrefixReuse()
    reuse.cached_tokens(prompt(ONE, "물음"), tokens=400, seconds=8.0)
    assert reuse.cached_tokens(prompt(ONE, "확인"), tokens=400, seconds=0.4) == 380


def test_no_more_than_the_shared_beginning() -> None:
    reuse = PrefixReuse()
    reuse.cached_tokens(prompt(ONE, "물음"), tokens=400, seconds=8.0)
    assert 390 < reuse.cached_tokens(prompt(ONE, OTHER), tokens=800, seconds=0.001) < 415


def test_a_shared_beginning_that_was_read_again_is_not_counted() -> None:
    reuse = PrefixReuse()
    reuse.cached_tokens(prompt(ONE, "물음"), tokens=400, seconds=8.0)
    reuse.cached_tokens(prompt(OTHER, "물음"), tokens=400, seconds=8.0)
    assert reuse.cached_tokens(prompt(ONE, "확인"), tokens=400, seconds=8.4) == 0


def test_the_pace_is_that_of_the_last_new_prompt() -> None:
    reuse = PrefixReuse()
    reuse.cached_tokens(prompt(ONE, "물음"), tokens=400, seconds=8.0)
    reuse.cached_tokens(prompt(OTHER, "물음"), tokens=400, seconds=40.0)
    assert reuse.cached_tokens(prompt(OTHER, "확인"), tokens=400, seconds=2.0) == 380


def test_a_short_prompt_says_nothing_of_the_pace() -> None:
    reuse = PrefixReuse()
    reuse.cached_tokens([HumanMessage("안녕")], tokens=8, seconds=4.0)
    assert reuse.cached_tokens([HumanMessage("안녕")], tokens=8, seconds=0.1) == 0
