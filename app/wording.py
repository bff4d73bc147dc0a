"""What the command line says, in the user's language."""

import re
from typing import Any, Literal

Language = Literal["ko", "en"]

_TEXT: dict[str, dict[Language, str]] = {
    "sources": {"ko": "근거", "en": "Sources"},
    "nearest": {"ko": "답이 있을 만한 곳", "en": "Where the answer may be"},
    "route": {"ko": "경로", "en": "Route"},
    "cost": {"ko": "비용", "en": "Cost"},
    "reason": {"ko": "이유", "en": "Reason"},
    "calculation": {"ko": "계산", "en": "Calculation"},
    "notice": {"ko": "알림", "en": "Notice"},
    "page": {"ko": "{page}쪽", "en": "p. {page}"},
    "costs": {
        "ko": "모델 호출 {calls}회 · 새로 읽은 토큰 {evaluated:,}개 · 다시 쓴 토큰 {cached:,}개 · "
        "출력 토큰 {output:,}개 · {seconds:.1f}초",
        "en": "model calls {calls} · tokens read {evaluated:,}, reused {cached:,}, written {output:,} · "
        "{seconds:.1f} s",
    },
    "searches": {"ko": " · 웹 검색 {searches}회", "en": " · web searches {searches}"},
    "consent": {
        "ko": "이 검색어를 인터넷으로 보낼까요? “{query}”",
        "en": "Send this query to the internet? “{query}”",
    },
    "chat": {
        "ko": "질문을 입력하세요. 새 대화는 /new, 끝내려면 /exit.",
        "en": "Ask a question. /new starts over, /exit ends.",
    },
    "checking": {"ko": "답을 확인하는 중", "en": "Checking the answer"},
    "nothing": {"ko": "찾은 구절이 없습니다.", "en": "No passages were found."},
}

_REASONS: tuple[tuple[str, str], ...] = (
    ("no evidence: nothing was found", "관련 문서를 찾지 못했습니다."),
    ("no evidence: nothing found bears on the question", "찾은 문서가 질문과 관련이 없습니다."),
    ("no evidence: the passages found do not hold the answer", "찾은 문서에 답이 없습니다."),
    ("no evidence: a fact for the calculation", "계산에 필요한 사실을 문서에서 찾지 못했습니다."),
    ("withdrawn: the answer followed", "문서가 시키는 대로 한 것으로 보여 답을 거두었습니다."),
    ("withdrawn", "초안이 문서 내용과 맞지 않아 답을 거두었습니다."),
    ("no answer: nothing could be calculated", "찾은 문서의 수로는 계산하지 못했습니다."),
    ("no answer", "모델이 답을 내지 못했습니다."),
    ("budget: max_llm_calls", "모델 호출 횟수 한도에 이르러 멈추었습니다."),
    ("budget: max_seconds", "시간 한도에 이르러 멈추었습니다."),
)

_IN_PART = "answered in part: "

_NOTICES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"the model's own answer was not what the documents say; .*"),
        "모델이 쓴 답이 문서 내용과 맞지 않아, 문서의 문장을 그대로 옮깁니다.",
    ),
    (re.compile(r"web search is not set up"), "웹 검색이 설정되어 있지 않습니다."),
    (re.compile(r"web search was declined"), "허락하지 않아 웹 검색은 하지 않았습니다."),
    (
        re.compile(r"the web search found nothing, or was refused, for: (.*)", re.DOTALL),
        r"웹에서 찾은 것이 없거나 검색을 거절당했습니다: \1",
    ),
    (
        re.compile(r"(DuckDuckGo|The search server \S+) refused the search: too many requests\. .*"),
        r"검색을 너무 자주 해서 거절당했습니다(\1). 1분쯤 뒤에 다시 해 보세요.",
    ),
    (
        re.compile(r"DuckDuckGo cannot be searched \((.*)\)\. .*"),
        r"DuckDuckGo에서 검색하지 못했습니다(\1). 인터넷 연결을 확인하거나 MUTDA_SEARCH_URL에 SearXNG 서버를 "
        "적어 주세요.",
    ),
    (
        re.compile(r"The search server (\S+) cannot be reached \((.*)\)\. .*"),
        r"검색 서버 \1에 닿지 못했습니다(\2). 서버를 켜거나 MUTDA_SEARCH_URL을 고쳐 주세요.",
    ),
    (
        re.compile(r"The search server (\S+) refused \(403\)\. .*"),
        r"검색 서버 \1이 거절했습니다(403). 그 settings.yml의 search.formats에 json을 더해 주세요.",
    ),
    (
        re.compile(r"The search server (\S+) redirects to (.*)\. Set .*"),
        r"검색 서버 \1이 \2로 보냅니다. 마지막 주소를 MUTDA_SEARCH_URL에 적어 주세요.",
    ),
    (
        re.compile(
            r"The search server (\S+) "
            r"(?:answered with HTTP \d+|did not answer as SearXNG does|sent more than).*"
        ),
        r"검색 서버 \1의 답을 읽을 수 없습니다. 서버의 기록을 보세요.",
    ),
    (
        re.compile(r"The web search \((\S+)\) gave no answer in ([\d.]+) s\. .*"),
        r"웹 검색(\1)이 \2초 안에 답하지 않았습니다. 나중에 다시 해 보세요.",
    ),
    (
        re.compile(r"The search log (.*) cannot be written \((.*)\); .*"),
        r"검색 기록 \1에 쓸 수 없어(\2) 검색하지 않았습니다.",
    ),
    (
        re.compile(r"(\d+) passages did not fit .*"),
        r"모델이 한 번에 읽을 수 있는 양을 넘어 구절 \1개를 뺐습니다.",
    ),
    (
        re.compile(r"the answer was cut off after (\d+) tokens"),
        r"답이 길어 토큰 \1개에서 잘랐습니다. 나누어 물으면 나머지를 볼 수 있습니다.",
    ),
    (
        re.compile(r"the model's server gives no log-probabilities: .*"),
        "모델 서버가 확률을 알려 주지 않아 낱말 하나로 판정했습니다. 판정이 덜 믿을 만합니다.",
    ),
    (
        re.compile(
            r"the calibration (\S+) was fitted to other prompts or another reader and is not used; "
            r"fit it again: (.*)"
        ),
        r"맞춰 둔 문턱값(\1)은 판정 문구나 읽기 모델이 바뀌어 쓰지 않습니다. 다시 맞추려면: \2",
    ),
    (
        re.compile(r"sentences that give orders to whoever answers were not read: (.*)", re.DOTALL),
        r"답하는 쪽에 내리는 지시로 보여서 모델에게 보여 주지 않은 문장이 있습니다: \1",
    ),
    (
        re.compile(r"an answer that followed what seems an order was thrown away: (.*)", re.DOTALL),
        r"문서가 시키는 대로 한 것으로 보이는 답을 버렸습니다: \1",
    ),
    (
        re.compile(r"the model wrote a tool call into its answer; .*"),
        "모델이 답에 적은 도구 호출을 뺐습니다.",
    ),
)

# All but tab and newline that moves the cursor, sets colours or turns text around, and halves of characters.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """The text without what a terminal would obey: documents, file names and servers are not trusted."""
    return _CONTROLS.sub("", text)


def say(key: str, language: Language, **values: Any) -> str:
    """A phrase with its values filled in."""
    return _TEXT[key][language].format(**values)


def reason_in(language: Language, reason: str) -> str:
    """The reason of a result, in words of the user's language."""
    if language == "en":
        return reason
    if reason.startswith(_IN_PART):
        return f"일부에만 답했습니다: {reason_in(language, reason.removeprefix(_IN_PART))}"
    return next((korean for start, korean in _REASONS if reason.startswith(start)), reason)


def notice_in(language: Language, notice: str) -> str:
    """A notice of a result, in words of the user's language; what another program said stays as it is."""
    if language == "ko":
        for pattern, korean in _NOTICES:
            if match := pattern.fullmatch(notice):
                return match.expand(korean)
    return notice


def place_of(citation: dict[str, Any], language: Language) -> str:
    """File, section and page of a citation on one line."""
    parts = [str(citation["source"])]
    if citation["section"]:
        parts.append(str(citation["section"]))
    if citation["page"]:
        parts.append(say("page", language, page=citation["page"]))
    return " · ".join(parts)


def cost_line(cost: dict[str, Any], language: Language) -> str:
    """Calls, tokens and seconds on one line."""
    line = say(
        "costs",
        language,
        calls=cost["llm_calls"],
        evaluated=cost["prompt_tokens"] - cost["cached_tokens"],
        cached=cost["cached_tokens"],
        output=cost["output_tokens"],
        seconds=cost["seconds"],
    )
    return line + (say("searches", language, searches=cost["searches"]) if cost["searches"] else "")
