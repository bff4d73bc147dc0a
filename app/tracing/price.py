"""What a model call costs in money, for who looks at costs in Langfuse."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.settings import Settings

_PER = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of a million tokens, in the currency that the reader of the traces counts in."""

    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0

    def of(self, usage: Mapping[str, int]) -> dict[str, float]:
        """Costs by kind and in total, of usage by Langfuse's kinds: input, input_cache_read, output."""
        costs = {
            "input": usage.get("input", 0) * self.input / _PER,
            "input_cache_read": usage.get("input_cache_read", 0) * self.cached / _PER,
            "output": usage.get("output", 0) * self.output / _PER,
        }
        return costs | {"total": sum(costs.values())}


def price_of(settings: Settings) -> Price | None:
    """As the settings say; nothing for a model on this machine; None where only the server may know it.

    A cached token costs what another one does, unless the settings say what it costs.
    """
    told = (settings.price_input, settings.price_cached, settings.price_output)
    if any(price is not None for price in told):
        new, cached, written = told
        return Price(
            input=new or 0.0, cached=(new if cached is None else cached) or 0.0, output=written or 0.0
        )
    return None if settings.model.startswith("openai:") else Price()
