"""Prompts as Markdown files, one for each step and language, chosen by name."""

import re
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["ko", "en"]

_FIELD = re.compile(r"\{(\w+)\}")
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")


def language_of(text: str) -> Language:
    """Korean when the text holds any Hangul: Korean questions often carry English names."""
    return "ko" if _HANGUL.search(text) else "en"


def fields(template: str) -> frozenset[str]:
    """Names in braces."""
    return frozenset(_FIELD.findall(template))


def render(template: str, **values: str) -> str:
    """Fill the braces. Values are inserted as they are: braces inside them stay text.

    Raises KeyError for a field without a value, TypeError for a value without a field.
    """
    if unknown := set(values) - fields(template):
        raise TypeError(f"the prompt has no field {', '.join(sorted(unknown))}")
    return _FIELD.sub(lambda match: values[match[1]], template)


@cache
def load(step: str, language: Language, family: str = "") -> str:
    """The text of `family/step.language.md` where a model family overrides it, else `step.language.md`.

    An override applies when the model's family name starts with the folder's name. Raises
    FileNotFoundError for a step that does not exist.
    """
    root = files(__name__)
    folders = [entry for entry in root.iterdir() if entry.is_dir() and family.startswith(entry.name)]
    for folder in sorted(folders, key=lambda entry: -len(entry.name)):
        override = folder / f"{step}.{language}.md"
        if override.is_file():
            return override.read_text(encoding="utf-8").strip()
    return (root / f"{step}.{language}.md").read_text(encoding="utf-8").strip()
