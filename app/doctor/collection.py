"""The chosen collection: what it holds, and whether it can be read with the embedder."""

import sqlite3
import time

from app.corpus.collection import Collection
from app.corpus.embedding import choose_embedder
from app.corpus.faiss_index import DenseIndex
from app.corpus.schema import STORE_NAME, open_to_read
from app.corpus.store import Store
from app.doctor.finding import Finding, ok, warn, wrong
from app.settings import Settings

NAME = "collection"
READING_S = 3.0
_STEPS = 10_000  # of SQLite's machine, some milliseconds


def look_at_collection(settings: Settings) -> Finding:
    """Raises CorpusError for one that is damaged or was made with another embedder."""
    folder = settings.collection_dir
    path = folder / STORE_NAME
    if not path.is_file():
        return warn(NAME, f'there is no collection "{settings.collection}" yet', "mutda ingest PATH...")
    connection = open_to_read(path)
    store = Store(connection)
    try:
        if damage := damage_in(connection):
            todo = "move that folder away and ingest the documents again"
            return wrong(NAME, f"{folder} is damaged ({damage})", todo)
        saved = DenseIndex.is_saved(folder, store.stamp())
    finally:
        store.close()
    embedder = choose_embedder(settings, folder, allow_fetch=False).embedder
    with Collection.open(folder, embedder) as collection:
        state = collection.status()
    text = (
        f'"{settings.collection}": {state.documents} documents, {state.chunks} chunks, generation '
        f"{state.generation}, {state.size_bytes / 1e6:.1f} MB, made with {state.embedder}"
    )
    if not state.documents:
        return warn(NAME, text, "mutda ingest PATH...")
    return ok(NAME, text if saved else f"{text}; its index is made anew at the next search")


def damage_in(connection: sqlite3.Connection) -> str:
    """The first fault of the file, or nothing; a large file is read for some seconds only."""
    until = time.monotonic() + READING_S
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        return ""  # so far it was whole
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.set_progress_handler(None, 0)
    return "" if found == "ok" else " ".join(found.split())
