"""Make a model in an Ollama server: upload what it lacks, create, and follow its progress.

The protocol is docs/api.md of Ollama v0.24.0: files are sent as blobs named by their SHA-256 (HEAD says
whether one is there, POST sends it), then POST /api/create names them and streams a line of JSON for each
step. A blob that is there is not sent again, so a run that was cut short goes on where it stopped, file by
file; a pull from hf.co is resumed by the server itself.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.errors import ModelError, MutdaError
from app.models import ollama_api
from app.models.create_source import CreateSource
from app.models.modelfile import Modelfile

BLOCK_BYTES = 4 << 20
SILENCE_S = 1800.0
"""Converting or quantising one large tensor after another, the server says nothing for minutes."""
DEADLINE_S = 12 * 3600.0
"""16 GB at 3 Mbit/s."""


@dataclass(frozen=True, kw_only=True)
class CreateProgress:
    """Where a create stands."""

    detail: str
    done_bytes: int = 0
    total_bytes: int = 0
    """0 where the server does not say how much there is to do."""


OnCreate = Callable[[CreateProgress], None]


@dataclass(kw_only=True)
class Creation:
    """One create: what is made, of what, where."""

    url: str
    name: str
    modelfile: Modelfile
    source: CreateSource
    quantize: str = ""
    on_progress: OnCreate | None = None
    silence_s: float = SILENCE_S
    deadline_s: float = DEADLINE_S
    _client: httpx.AsyncClient = field(init=False, repr=False)

    async def run(self) -> None:
        """Raises ModelError when the server refuses, breaks off or says nothing for `silence_s`."""
        try:
            async with asyncio.timeout(self.deadline_s), ollama_api.ollama_client(self.url) as self._client:
                digests = {name: await self._upload(name, path) for name, path in self.source.files.items()}
                await self._create(digests)
        except TimeoutError:
            raise ModelError(f"{self.name} was not made within {self.deadline_s / 3600:.3g} h.") from None

    def _report(self, detail: str, done_bytes: int = 0, total_bytes: int = 0) -> None:
        if self.on_progress is not None:
            self.on_progress(CreateProgress(detail=detail, done_bytes=done_bytes, total_bytes=total_bytes))

    async def _upload(self, name: str, path: Path) -> str:
        digest = await self._digest(name, path)
        try:
            there = await self._client.head(f"/api/blobs/{digest}", timeout=self.silence_s)
            if there.status_code != 200:
                await self._send(name, path, digest)
        except httpx.HTTPError as error:
            raise self._broken(error) from error
        return digest

    async def _digest(self, name: str, path: Path) -> str:
        hashed, done, total = hashlib.sha256(), 0, self.source.sizes_bytes[name]
        async for block in _blocks(path):
            await asyncio.to_thread(hashed.update, block)
            done += len(block)
            self._report(f"hashing {name}", done, total)
        return f"sha256:{hashed.hexdigest()}"

    async def _send(self, name: str, path: Path, digest: str) -> None:
        total = self.source.sizes_bytes[name]

        async def body() -> AsyncIterator[bytes]:
            done = 0
            async for block in _blocks(path):
                yield block
                done += len(block)
                self._report(f"sending {name}", done, total)

        response = await self._client.post(
            f"/api/blobs/{digest}",
            content=body(),
            headers={"Content-Length": str(total)},
            timeout=self.silence_s,
        )
        if response.is_error:
            raise ModelError(
                f"Ollama at {self.url} did not take {name}: {ollama_api.reason_of(response.content)}"
            )

    async def _create(self, digests: Mapping[str, str]) -> None:
        body: dict[str, Any] = {"model": self.name, "stream": True, **self.modelfile.request()}
        body |= {"files": dict(digests)} if digests else {"from": self.source.reference}
        if self.quantize:
            body["quantize"] = self.quantize
        finished = False
        try:
            async with self._client.stream(
                "POST", "/api/create", json=body, timeout=self.silence_s
            ) as response:
                if response.is_error:
                    raise self._refused(ollama_api.reason_of(await response.aread()))
                async for line in response.aiter_lines():
                    if not line.strip():
                        continue
                    said = _parsed(line)
                    if problem := said.get("error"):
                        raise self._refused(" ".join(str(problem).split())[:300])
                    finished = said.get("status") == "success"
                    self._report(
                        str(said.get("status") or ""), _count(said, "completed"), _count(said, "total")
                    )
        except httpx.HTTPError as error:
            raise self._broken(error) from error
        if not finished:
            raise self._broken(None)

    def _refused(self, reason: str) -> ModelError:
        hint = ""
        if "pull model manifest" in reason or "lookup" in reason or "dial tcp" in reason:
            hint = f" Fetch the file yourself, then: mutda models create {self.name} --from FILE.gguf"
        elif "quantization is only supported" in reason:
            hint = " Leave --quantize out: these weights are quantised already."
        return ModelError(f"Ollama at {self.url} could not make {self.name}: {reason.rstrip('.')}.{hint}")

    def _broken(self, error: Exception | None) -> ModelError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return ollama_api.unreachable(self.url)
        if isinstance(error, httpx.TimeoutException):
            return ModelError(f"Ollama at {self.url} said nothing for {self.silence_s:g} s. Run it again.")
        return ModelError(
            f"Ollama at {self.url} broke off before {self.name} was made. "
            "Run it again: what has arrived is not sent twice."
        )


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise MutdaError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            yield block
    finally:
        await asyncio.to_thread(file.close)


def _parsed(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ModelError("The server does not answer as Ollama does. Check MUTDA_OLLAMA_URL.")
    return said


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0
