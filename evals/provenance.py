"""What a report tells of its questions: which half of the suite they are, and whether they were fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.prompts import Language
from evals.report import Report

_TOLD: Mapping[str, Mapping[Language, str]] = {
    "whole": {
        "en": "Part: the whole suite ({suite} questions), not one half of it.",
        "ko": "물은 쪽: 모음 전체(질문 {suite}개). 맞춤 쪽과 보고 쪽으로 나누지 않았습니다.",
    },
    "fit": {
        "en": 'Part: "fit", {half} of the suite\'s {suite} questions.',
        "ko": "물은 쪽: 맞춤 쪽(fit), 모음의 질문 {suite}개 가운데 {half}개.",
    },
    "report": {
        "en": 'Part: "report", {half} of the suite\'s {suite} questions.',
        "ko": "물은 쪽: 보고 쪽(report), 모음의 질문 {suite}개 가운데 {half}개.",
    },
    "aside": {
        "en": ' In neither half: {aside}, which share an article or a passage with the half "fit".',
        "ko": " 맞춤 쪽과 같은 글이나 단락에 기댄 {aside}개는 어느 쪽에도 넣지 않았습니다.",
    },
    "seen": {
        "en": "Warning: the calibration in use was fitted on {seen} of the {asked} questions asked: "
        "figures over them are flattered.",
        "ko": "주의: 지금 쓰는 문턱값은 여기서 물은 {asked}개 가운데 {seen}개로 맞춘 것입니다. "
        "이 질문들의 수치는 실제보다 좋게 나옵니다.",
    },
    "none": {
        "en": "The calibration in use was fitted on none of the questions asked.",
        "ko": "지금 쓰는 문턱값은 여기서 물은 질문으로 맞춘 것이 아닙니다.",
    },
    "unlisted": {
        "en": "The calibration in use keeps no list of the questions that it was fitted on: see that none is "
        "asked here. It says: {fitted_on}",
        "ko": "지금 쓰는 문턱값에는 무엇으로 맞췄는지 질문의 목록이 없습니다. "
        "여기서 물은 것과 겹치지 않는지 문턱값의 설명을 보고 확인하세요: {fitted_on}",
    },
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A line for the person."""

    text: str
    warns: bool = False


def half_line(counts: Mapping[str, Any], language: Language) -> str:
    """Which half, of `Half.counts()`, and how many are set aside."""
    text = _TOLD[counts["part"] or "whole"][language]
    if counts["part"] and counts["aside"]:
        text += _TOLD["aside"][language]
    return text.format(**counts)


def provenance(report: Report, language: Language) -> list[Told]:
    """A line on the half and one on the calibration; none for a report of before there were any."""
    asked = report.get("asked")
    if asked is None:
        return []
    known = "unlisted" if asked["seen"] is None else "seen" if asked["seen"] else "none"
    says = report["settings"]["calibration"]["fitted_on"] or "–"
    line = _TOLD[known][language].format(**asked, fitted_on=says)
    return [Told(text=half_line(asked, language)), Told(text=line, warns=known == "seen")]
