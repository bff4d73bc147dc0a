"""Mutda's search as a LangChain retriever."""

import asyncio

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from app.corpus.collection import Collection
from app.corpus.passage import Passage
from app.corpus.search import SearchMode


class MutdaRetriever(BaseRetriever):
    """Hybrid search over one collection. The modes are those of `app.corpus.search.search`."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    collection: Collection
    search_type: SearchMode = "similarity"
    k: int = Field(default=8, ge=1)
    score_threshold: float = Field(default=0.0, ge=0.0, le=1.0)
    """For "score_threshold": the absolute score that a passage must reach."""
    fetch_k: int = Field(default=24, ge=1)
    """For "mmr": how many of the best passages it chooses from."""
    lambda_mult: float = Field(default=0.7, ge=0.0, le=1.0)
    """For "mmr": 1 asks for relevance alone, 0 for diversity alone."""

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002
    ) -> list[Document]:
        return self._find(query)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002
    ) -> list[Document]:
        return await asyncio.to_thread(self._find, query)

    def _find(self, query: str) -> list[Document]:
        passages = self.collection.search(
            query,
            k=self.k,
            mode=self.search_type,
            score_threshold=self.score_threshold,
            fetch_k=self.fetch_k,
            lambda_mult=self.lambda_mult,
        )
        return [_document(passage) for passage in passages]


def _document(passage: Passage) -> Document:
    return Document(
        id=passage.id,
        page_content=passage.text,
        metadata={
            "source": passage.source,
            "heading": passage.heading,
            "section": passage.section,
            "page": passage.page,
            "start": passage.start,
            "end": passage.end,
            "score": passage.score,
            "lexical": passage.lexical,
            "dense": passage.dense,
            **passage.extra,
        },
    )
