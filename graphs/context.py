"""Knobs of one question: what Studio shows as a form."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Context(BaseModel):
    """Budgets, looks and thresholds of one run; the defaults are what was measured best."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    k: int = Field(default=8, ge=1, le=50, description="Passages to retrieve.")
    look: int = Field(default=2, ge=1, le=20, description="Passages the model reads first.")
    wide: int = Field(default=4, ge=1, le=20, description="Passages it reads when in doubt.")
    max_llm_calls: int = Field(default=12, ge=0, le=50, description="Model calls for one question.")
    max_rewrites: int = Field(default=1, ge=0, le=5, description="New search queries for one question.")
    max_searches: int = Field(default=3, ge=0, le=10, description="Web searches for one question.")
    max_seconds: float = Field(
        default=180.0, gt=0, le=3600, description="Working time for one question, seconds."
    )
    accept: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Evidence from which an answer is given; empty: the model's calibration.",
    )
    grounded: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Groundedness below which it is withdrawn; empty: the calibration.",
    )
    web_search: Literal["off", "ask", "on"] | None = Field(
        default=None, description="Whether the question may leave this machine; empty: MUTDA_WEB_SEARCH."
    )
