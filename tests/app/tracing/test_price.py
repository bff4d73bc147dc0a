import pytest

from app.settings import load_settings
from app.tracing.price import Price, price_of

USAGE = {"input": 1_000_000, "input_cache_read": 2_000_000, "output": 500_000, "total": 3_500_000}


def test_costs_are_told_by_kind_and_in_total() -> None:
    costs = Price(input=0.2, cached=0.1, output=0.6).of(USAGE)
    assert costs == pytest.approx({"input": 0.2, "input_cache_read": 0.2, "output": 0.3, "total": 0.7})


@pytest.mark.parametrize("model", ["", "embedded:", "ollama:llama3-ko"])
def test_a_model_on_this_machine_costs_nothing(model: str) -> None:
    price = price_of(load_settings(model=model))
    assert price is not None and price.of(USAGE)["total"] == 0


def test_the_price_of_a_service_is_the_settings_to_tell_or_the_servers_to_know() -> None:
    assert price_of(load_settings(model="openai:gpt-4o-mini")) is None
    told = price_of(load_settings(model="openai:gpt-4o-mini", price_input=0.15, price_output=0.6))
    assert told == Price(input=0.15, cached=0.15, output=0.6)
    cheaper = price_of(load_settings(model="openai:gpt-4o-mini", price_input=0.15, price_cached=0.075))
    assert cheaper == Price(input=0.15, cached=0.075, output=0.0)
