"""The embedded engine: llama.cpp's server inside this process, through xllamacpp."""

import asyncio
import os
import secrets
from pathlib import Path
from typing import Any

from app.errors import ModelError

# llama.cpp keeps finished prompts in host memory up to this size, so that two people asking in
# turn do not evict each other's prefix. 1.5B at 4,096 tokens needs 115 MB.
PROMPT_CACHE_MIB = 1024


class Engine:
    """One loaded GGUF, listening on a random loopback port behind a random key.

    The key keeps other programs of this machine out; requests go over HTTP so that a client that
    hangs up stops the work. Loading takes 1-3 s for 1 GB and blocks: use `Engine.start`.
    """

    def __init__(self, path: Path, *, context_tokens: int, threads: int = 0) -> None:
        """Load the model. Raises ModelError when the file cannot be loaded."""
        import xllamacpp

        count = threads or os.cpu_count() or 1
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = context_tokens
        parameters.n_parallel = 1
        parameters.cpuparams.n_threads = count
        parameters.cpuparams_batch.n_threads = count
        parameters.cache_prompt = True
        parameters.cache_ram_mib = PROMPT_CACHE_MIB
        parameters.warmup = False
        parameters.verbosity = -1
        # Repacked weights evaluated prompts slower on AVX2 (58 against 68 tokens/s) and on AVX-512
        # (72 against 83), and took 1.4 s longer to load.
        parameters.no_extra_bufts = True
        parameters.ui = False
        parameters.endpoint_slots = False
        self.api_key = secrets.token_urlsafe(24)
        parameters.api_keys = [self.api_key]
        try:
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelError(
                f"The engine could not load {path.name} ({error}). Is it a GGUF of a chat model, and is "
                "there enough free memory?"
            ) from error
        self.url: str = self._server.listening_address
        self.context_tokens = context_tokens

    @classmethod
    async def start(cls, path: Path, *, context_tokens: int, threads: int = 0) -> "Engine":
        """Load in a thread. The engine holds the interpreter meanwhile: other tasks wait those seconds."""
        return await asyncio.to_thread(cls, path, context_tokens=context_tokens, threads=threads)

    def close(self) -> None:
        """Stop the server and free the model; takes about .2 s."""
        self._server = None
