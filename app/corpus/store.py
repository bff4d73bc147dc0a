"""One collection at rest: documents, their chunks with vectors, and the keyword index, in one SQLite file."""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from app.corpus.bigrams import bigrams
from app.corpus.passage import SECTION_GAP, Chunk
from app.corpus.records import Document, Stamp, StoredChunk, embedded_texts, indexed_text
from app.corpus.schema import IN_MEMORY, open_to_read, open_to_write
from app.models.embedder import Vectors

Ids = npt.NDArray[np.int64]


_NAMES = tuple(item.name for item in fields(Document) if item.name != "id")
_COLUMNS = ", ".join(_NAMES)


class Store:
    """The collection's file. One connection: callers of several threads take turns."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._changed = False

    @classmethod
    def to_write(cls, path: Path) -> Self:
        """Open or make the file. Raises CorpusError as `open_to_write` does."""
        return cls(open_to_write(path))

    @classmethod
    def to_read(cls, path: Path) -> Self:
        """Open a file that is there. Raises CorpusError as `open_to_read` does."""
        return cls(open_to_read(path))

    @classmethod
    def in_memory(cls) -> Self:
        """A store that is gone when it is closed."""
        return cls(open_to_write(IN_MEMORY))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is one state, whatever is committed meanwhile."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is written inside is seen as one change or, after an error or a crash, not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        self._changed = False
        try:
            yield
            if self._changed:
                self.set_meta("generation", str(self.stamp().generation + 1))
                self.set_meta("state", secrets.token_hex(8))
            self._db.execute("COMMIT")
        except BaseException:
            # A full disk makes SQLite roll back by itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # Meta

    def get_meta(self, key: str) -> str | None:
        """A value of the collection's own."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value of the collection's own."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))

    def stamp(self) -> Stamp:
        """The state that is being read."""
        rows = dict(self._db.execute("SELECT key, value FROM meta WHERE key IN ('generation', 'state')"))
        return Stamp(int(rows["generation"]), rows["state"])

    # Documents

    def documents(self) -> list[Document]:
        """Every document, by name."""
        rows = self._db.execute(f"SELECT id, {_COLUMNS} FROM documents ORDER BY name, path")  # noqa: S608
        return [_document(row) for row in rows]

    def put_document(
        self, document: Document, chunks: Sequence[Chunk], vectors: Sequence[Vectors] | Vectors
    ) -> None:
        """Write a document whole, in place of the one at the same path if there is one.

        Args:
            document: its `id` is not read.
            vectors: for each chunk float32 of shape (dimensions,), or (n, dimensions) with n > 0, the
                whole chunk's first.
        """
        if len(chunks) != len(vectors):
            raise ValueError(f"{len(chunks)} chunks, {len(vectors)} vectors")
        old = self._db.execute("SELECT id FROM documents WHERE path = ?", (document.path,)).fetchone()
        if old is not None:
            self.delete_document(old[0])
        row = asdict(document) | {"notes": json.dumps(document.notes, ensure_ascii=False)}
        document_id = self._db.execute(
            f"INSERT INTO documents({_COLUMNS}) VALUES({', '.join(':' + name for name in _NAMES)})", row
        ).lastrowid
        for ordinal, (chunk, vector) in enumerate(zip(chunks, _blobs(vectors), strict=True)):
            section = SECTION_GAP.join(chunk.section)
            chunk_id = self._db.execute(
                'INSERT INTO chunks(document_id, ordinal, heading, section, page, start, "end", text,'
                " vectors) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document_id,
                    ordinal,
                    chunk.heading,
                    section,
                    chunk.page,
                    chunk.start,
                    chunk.end,
                    chunk.text,
                    vector,
                ),
            ).lastrowid
            tokens = " ".join(bigrams(indexed_text(chunk.heading, chunk.text)))
            self._db.execute("INSERT INTO words(rowid, tokens) VALUES(?, ?)", (chunk_id, tokens))
        self._changed = True

    def touch_document(self, document_id: int, *, size_bytes: int, mtime_ns: int, checked_ns: int) -> None:
        """Note that a file has another time and the same content. Nothing that is searched changes."""
        self._db.execute(
            "UPDATE documents SET size_bytes = ?, mtime_ns = ?, checked_ns = ? WHERE id = ?",
            (size_bytes, mtime_ns, checked_ns, document_id),
        )

    def delete_document(self, document_id: int) -> None:
        """Delete a document and all that was made of it."""
        self._db.execute(
            "DELETE FROM words WHERE rowid IN (SELECT id FROM chunks WHERE document_id = ?)", (document_id,)
        )
        self._db.execute("DELETE FROM documents WHERE id = ?", (document_id,))
        self._changed = True

    # Chunks and vectors

    def counts(self) -> tuple[int, int]:
        """Documents and chunks."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks)"
        ).fetchone()
        return int(row[0]), int(row[1])

    def vector_ids(self, dimensions: int) -> Ids:
        """For every vector its chunk's id, ascending. No vector is read."""
        rows = np.array(
            self._db.execute("SELECT id, length(vectors) FROM chunks ORDER BY id").fetchall(), dtype=np.int64
        ).reshape(-1, 2)
        return np.repeat(rows[:, 0], rows[:, 1] // (4 * dimensions))

    def chunks(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Chunks by id. Ids that are gone are left out."""
        rows = self._db.execute(
            'SELECT c.id, d.name, c.heading, c.section, c.page, c.start, c."end", c.text'
            " FROM chunks c JOIN documents d ON d.id = c.document_id"
            " WHERE c.id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        return {
            row[0]: StoredChunk(
                id=row[0],
                source=row[1],
                heading=row[2],
                section=row[3],
                page=row[4],
                start=row[5],
                end=row[6],
                text=row[7],
            )
            for row in rows
        }

    def vectors(self, dimensions: int, ids: Sequence[int] | None = None) -> tuple[Ids, Vectors]:
        """The vectors of all chunks, or of those asked for: float32 of shape (n, dimensions).

        With them for each vector its chunk's id: shape (n,), ascending.
        """
        if ids is None:
            rows = self._db.execute("SELECT id, vectors FROM chunks ORDER BY id").fetchall()
        else:
            rows = self._db.execute(
                "SELECT id, vectors FROM chunks WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
                (json.dumps(ids),),
            ).fetchall()
        flat = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
        counts = [len(row[1]) // (4 * dimensions) for row in rows]
        return np.repeat(np.array([row[0] for row in rows], dtype=np.int64), counts), flat.reshape(
            -1, dimensions
        )

    def vectors_by_text(
        self, *, path: str, sha256: str, dimensions: int, by_sentence: bool = False
    ) -> dict[str, Vectors]:
        """Vectors of the document at `path` and of equal files, by the text that was embedded."""
        rows = self._db.execute(
            "SELECT c.heading, c.text, c.vectors FROM chunks c JOIN documents d ON d.id = c.document_id"
            " WHERE d.path = ? OR d.sha256 = ?",
            (path, sha256),
        )
        known: dict[str, Vectors] = {}
        for heading, text, vectors in rows:
            texts = embedded_texts(heading, text, by_sentence=by_sentence)
            known.update(zip(texts, np.frombuffer(vectors, dtype="<f4").reshape(-1, dimensions), strict=True))
        return known

    def texts_after(self, chunk_id: int, limit: int) -> list[tuple[int, str, str]]:
        """The next chunks after an id: (id, heading, text)."""
        rows = self._db.execute(
            "SELECT id, heading, text FROM chunks WHERE id > ? ORDER BY id LIMIT ?", (chunk_id, limit)
        )
        return rows.fetchall()

    def set_vectors(self, ids: Sequence[int], vectors: Sequence[Vectors] | Vectors) -> None:
        """Replace the vectors of chunks; `vectors` as in `put_document`."""
        self._db.executemany(
            "UPDATE chunks SET vectors = ? WHERE id = ?", zip(_blobs(vectors), ids, strict=True)
        )
        self._changed = True

    # Keywords

    def keyword_search(self, tokens: Sequence[str], limit: int) -> dict[int, float]:
        """The best chunks that hold any of the tokens: BM25 by chunk id, larger is better.

        BM25 with k1 = 1.2 and b = 0.75, as SQLite's FTS5 computes it.
        """
        if not tokens:
            return {}
        query = " OR ".join(f'"{token}"' for token in tokens)
        rows = self._db.execute(
            "SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?", (query, limit)
        )
        return dict(rows.fetchall())

    def tokens(self, ids: Sequence[int]) -> dict[int, frozenset[str]]:
        """The different tokens that chunks are indexed by."""
        rows = self._db.execute(
            "SELECT rowid, tokens FROM words WHERE rowid IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        return {row[0]: frozenset(row[1].split(" ")) for row in rows}

    def document_frequencies(self, tokens: Sequence[str]) -> Mapping[str, int]:
        """In how many chunks each token stands."""
        frequencies = {}
        for token in tokens:
            row = self._db.execute("SELECT doc FROM vocabulary WHERE term = ?", (token,)).fetchone()
            frequencies[token] = 0 if row is None else int(row[0])
        return frequencies

    def size_bytes(self) -> int:
        """The size of the store's pages, on disk or in memory."""
        row = self._db.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        return int(row[0])


def _blobs(vectors: Sequence[Vectors] | Vectors) -> list[bytes]:
    return [np.ascontiguousarray(item, dtype="<f4").tobytes() for item in vectors]


def _document(row: tuple[Any, ...]) -> Document:
    values = dict(zip(("id", *_NAMES), row, strict=True))
    values["notes"] = tuple(json.loads(values["notes"]))
    return Document(**values)
