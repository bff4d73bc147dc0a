"""The READMEs show what the code is."""

import re
from pathlib import Path

import pytest
from fakes import make_resources

from graphs.rag import build

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.en.md"]


@pytest.mark.parametrize("name", READMES)
def test_the_picture_of_the_graph_is_the_graph(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    (shown,) = re.findall(r"```mermaid\n(.*?)```", text, flags=re.DOTALL)
    assert shown.strip() == build(make_resources()).get_graph().draw_mermaid().strip()


@pytest.mark.parametrize("name", READMES)
def test_files_that_a_readme_links_to_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_commands_that_a_readme_names_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)", text, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"ask", "test"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []
