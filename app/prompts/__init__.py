"""Prompts as Markdown files, one for each step and language, chosen by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Prompts:
    """All prompts of one model family, read once."""

    texts: Mapping[tuple[str, Language], str]

    @classmethod
    def read(cls, family: str = "") -> "Prompts":
        """Every `step.language.md`, and over them those of the folder whose name begins `family`.

        Reads files: call it where that may block.
        """
        root = files(__name__)
        overrides = [entry for entry in root.iterdir() if entry.is_dir() and family.startswith(entry.name)]
        texts: dict[tuple[str, Language], str] = {}
        for folder in [root, *sorted(overrides, key=lambda entry: len(entry.name))]:
            for entry in folder.iterdir():
                step, _, rest = entry.name.partition(".")
                if rest in ("ko.md", "en.md"):
                    texts[step, "ko" if rest == "ko.md" else "en"] = entry.read_text(encoding="utf-8").strip()
        return cls(texts)

    def get(self, step: str, language: Language, **values: str) -> str:
        """The prompt of a step with its fields filled in.

        Raises KeyError for a step or a field that is missing, TypeError for a value without a field.
        """
        return render(self.texts[step, language], **values)
