"""Langfuse's datasets and their runs, over its public interface: https://api.reference.langfuse.com.

Spoken to without the SDK's typed client: that of 4.18 takes an answer for a failure where it lacks a field
that only the newest servers give, after the item has long been taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from app.errors import ServiceError
from app.settings import Settings
from evals.langfuse_items import Item

CALL_TIMEOUT_S = 5.0
ACTIVE, ARCHIVED = "ACTIVE", "ARCHIVED"
_PAGE_ITEMS = 50
"""The SDK asks for as many at a time."""
_HERE = ("127.0.0.1", "::1", "localhost")


class LangfuseDatasetError(ServiceError):
    """Langfuse did not answer, or did not take something; says why in a few words."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One as the server has it."""

    id: str
    metadata: Mapping[str, Any]


class LangfuseDatasets:
    """For one thread; every call ends within its timeout and raises LangfuseDatasetError."""

    def __init__(self, settings: Settings, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        import httpx

        url = settings.langfuse_base_url.rstrip("/")
        self._client = httpx.Client(
            base_url=f"{url}/api/public",
            auth=(settings.langfuse_public_key, settings.langfuse_secret_key.get_secret_value()),
            timeout=timeout_s,
            # No proxy of the environment's leads to this machine.
            trust_env=urlsplit(url).hostname not in _HERE,
        )

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def project(self) -> str:
        """The id of the project that the keys belong to."""
        found = self._call("GET", "/projects")
        projects = found.get("data") if found else None
        if not (isinstance(projects, list) and projects and isinstance(projects[0], Mapping)):
            raise LangfuseDatasetError("it names no project")
        return _id(projects[0], "id")

    def dataset(self, name: str) -> Dataset | None:
        """The dataset of that name, if there is one."""
        found = self._call("GET", f"/v2/datasets/{quote(name, safe='')}", or_none=True)
        if found is None:
            return None
        metadata = found.get("metadata")
        return Dataset(id=_id(found, "id"), metadata=metadata if isinstance(metadata, Mapping) else {})

    def put_dataset(self, name: str, metadata: Mapping[str, Any]) -> str:
        """Create the dataset, or give the one of that name this metadata; returns its id."""
        return _id(self._call("POST", "/v2/datasets", {"name": name, "metadata": dict(metadata)}), "id")

    def active_items(self, dataset: str) -> list[str]:
        """The ids of the dataset's items that are not archived."""
        active: list[str] = []
        number, pages = 1, 1
        while number <= pages:
            asked = {"datasetName": dataset, "page": number, "limit": _PAGE_ITEMS}
            found = self._call("GET", f"/dataset-items?{urlencode(asked)}")
            items, meta = found.get("data"), found.get("meta")
            last = meta.get("totalPages") if isinstance(meta, Mapping) else None
            if not isinstance(items, list) or not isinstance(last, int):
                raise LangfuseDatasetError("its answer is not Langfuse's")
            by_id = {_id(item, "id"): item for item in items}
            # The interface does not say whether archived ones are listed.
            active += [item_id for item_id, item in by_id.items() if item.get("status") != ARCHIVED]
            number, pages = number + 1, last
        return active

    def archive_item(self, dataset: str, item: str) -> None:
        """Leave the item of that id out of what comes; its runs and its content stay."""
        self._call("POST", "/dataset-items", {"datasetName": dataset, "id": item, "status": ARCHIVED})

    def put_item(self, dataset: str, item: Item) -> None:
        """Create an item of the dataset of that name, or put this in its place, archived or not."""
        body = {
            "datasetName": dataset,
            "id": item.id,
            "input": item.given,
            "expectedOutput": item.expected,
            "metadata": item.metadata,
            "status": ACTIVE,
        }
        self._call("POST", "/dataset-items", body)

    def link(
        self, run: str, item_id: str, trace_id: str, *, metadata: Any, may_lack: bool = False
    ) -> str | None:
        """Make a trace the answer to an item in the run of that name; returns the run's id.

        None, where that is allowed, says that the server has no such call: version 4 makes experiments of
        what the spans carry, and nothing else is to be done there.
        """
        body = {
            "runName": run,
            "datasetItemId": item_id,
            "traceId": trace_id,
            "metadata": metadata,
        }
        found = self._call("POST", "/dataset-run-items", body, or_none=may_lack)
        return None if found is None else _id(found, "datasetRunId")

    def _call(self, method: str, path: str, body: Any = None, *, or_none: bool = False) -> Any:
        import httpx

        try:
            response = self._client.request(method, path, json=body)
        except httpx.TimeoutException:
            raise LangfuseDatasetError("it did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise LangfuseDatasetError(f"it cannot be reached: {reason}") from None
        if response.status_code == 404 and or_none:
            return None
        if response.status_code in (401, 403):
            raise LangfuseDatasetError(f"it refuses the keys, {response.status_code}")
        if not 200 <= response.status_code < 300:
            raise LangfuseDatasetError(f"it answered {response.status_code}")
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, Mapping):
            raise LangfuseDatasetError("its answer is not Langfuse's")
        return found


def _id(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(value, str) or not value:
        raise LangfuseDatasetError("its answer is not Langfuse's")
    return value
