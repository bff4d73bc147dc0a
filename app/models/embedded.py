"""`embedded:`: a GGUF loaded into this process."""

from pathlib import Path

from openai import APIStatusError

from app.models.engine import Engine
from app.models.openai import OpenAIModel
from app.models.server_context import openai_context


class EmbeddedModel(OpenAIModel):
    """The engine and the client that speaks to it, closed together."""

    def __init__(self, engine: Engine, *, spec: str, family: str, timeout_s: float) -> None:
        super().__init__(
            spec=spec,
            name="embedded",
            family=family,
            base_url=f"{engine.url}/v1",
            api_key=engine.api_key,
            context_tokens=engine.context_tokens,
            timeout_s=timeout_s,
        )
        self._engine = engine

    @classmethod
    async def load(
        cls, path: Path, *, spec: str, context_tokens: int, threads: int, timeout_s: float
    ) -> "EmbeddedModel":
        """Load the GGUF at `path`. Raises ModelError when the engine refuses it."""
        engine = await Engine.start(path, context_tokens=context_tokens, threads=threads)
        # The engine cuts it to what the model was trained for.
        told = await openai_context(f"{engine.url}/v1", "", api_key=engine.api_key)
        engine.context_tokens = min(context_tokens, told or context_tokens)
        return cls(engine, spec=spec, family=path.stem.lower(), timeout_s=timeout_s)

    def explain(self, error: Exception) -> str | None:
        line = super().explain(error)
        if line is None or isinstance(error, APIStatusError):
            return line and line.replace(self._url, "The embedded engine")
        return "The embedded engine stopped. Ask again; if it stops again, free some memory."

    async def aclose(self) -> None:
        await super().aclose()
        self._engine.close()
