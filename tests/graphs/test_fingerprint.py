from pathlib import Path

from fakes import Script
from pytest import MonkeyPatch

import graphs.fingerprint
from app.models.fake import FakeModel
from app.prompts import Prompts
from graphs.fingerprint import Fingerprint, fingerprint_of, prefix_of, prompts_sha256


def fingerprint(**changes: str | int) -> Fingerprint:
    values: dict[str, str | int] = {"family": "fake", "spec": "fake:", "prompts_sha256": "a" * 64}
    return Fingerprint(**(values | changes))  # type: ignore[arg-type]


def test_the_name_is_of_all_of_it() -> None:
    names = {
        fingerprint().name,
        fingerprint(spec="ollama:fake").name,
        fingerprint(prompts_sha256="b" * 64).name,
        fingerprint(weights_bytes=1).name,
        fingerprint(weights_sha256="c" * 64).name,
    }
    assert len(names) == 5 and all(name.startswith("fake-") and len(name) == 17 for name in names)


def test_other_prompts_are_the_same_model() -> None:
    assert fingerprint().same_model(fingerprint(prompts_sha256="b" * 64))
    assert not fingerprint().same_model(fingerprint(weights_bytes=1))


def test_a_family_becomes_part_of_a_files_name() -> None:
    assert prefix_of("hf.co/bartowski/EEVE:Q4_K_M") == "hf.co-bartowski-EEVE-Q4_K_M-"
    assert prefix_of("../../etc") == "etc-"


def test_only_the_prompts_that_evidence_comes_from_count() -> None:
    prompts = Prompts.read("fake")
    changed = {**prompts.texts, ("refusal", "ko"): "다르게"}
    assert prompts_sha256(Prompts(changed)) == prompts_sha256(prompts)
    for step in ("system", "frame", "grade"):
        changed = {**prompts.texts, (step, "en"): "otherwise"}
        assert prompts_sha256(Prompts(changed)) != prompts_sha256(prompts)


def test_a_model_of_a_server_has_no_weights_here(tmp_path: Path) -> None:
    found = fingerprint_of(FakeModel(Script()), Prompts.read("fake"), tmp_path)
    assert (found.family, found.spec, found.weights_bytes, found.weights_sha256) == ("fake", "fake:", 0, "")


def test_embedded_weights_are_told_apart_by_both_ends(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(graphs.fingerprint, "ENDS_BYTES", 16)
    path = tmp_path / "tiny.gguf"
    model = FakeModel(Script())
    model.spec = f"embedded:{path}"
    seen = []
    for content in (b"GGUF" + b"a" * 60, b"GGUF" + b"a" * 59 + b"b", b"GGUF" + b"a" * 61, b"GGUF"):
        path.write_bytes(content)
        found = fingerprint_of(model, Prompts.read("fake"), tmp_path)
        assert found.weights_bytes == len(content)
        seen.append(found.name)
    assert len(set(seen)) == 4
    path.unlink()
    assert fingerprint_of(model, Prompts.read("fake"), tmp_path).weights_bytes == 0
