"""Does an embedder know Korean? A small retrieval test, and what its result is worth."""

from typing import NamedTuple

import numpy as np

from app.models.embedder import Embedder


class _Item(NamedTuple):
    question: str
    answer: str  # says the same in other words
    distractor: str  # shares words with the question and is about something else


_ITEMS = (
    _Item(
        "연차 휴가는 며칠까지 쓸 수 있나요?",
        "근속 1년이 지난 직원은 한 해에 15일을 유급으로 쉰다.",
        "여름 휴가철에는 주차장을 며칠 동안 나누어 쓴다.",
    ),
    _Item(
        "출장비는 언제까지 청구해야 합니까?",
        "외근을 다녀온 사람은 돌아온 지 7일 안에 영수증을 경리팀에 내야 한다.",
        "출장 중에는 회사 차량을 언제든 빌릴 수 있다.",
    ),
    _Item(
        "비밀번호를 잊어버리면 어떻게 하나요?",
        "로그인 암호가 기억나지 않을 때는 재설정 링크를 메일로 받는다.",
        "회의실 예약을 잊어버리면 자동으로 취소된다.",
    ),
    _Item(
        "재택근무를 하려면 누구의 허락이 필요한가?",
        "집에서 일하고 싶은 사람은 부서장의 승인을 먼저 받는다.",
        "야간 근무를 하려면 안전화와 안전모가 필요하다.",
    ),
    _Item(
        "신입 사원은 첫날 무엇을 하나요?",
        "새로 들어온 사람은 출근하자마자 보안 교육을 듣고 노트북을 받는다.",
        "사원 식당은 매달 첫날 문을 닫는다.",
    ),
    _Item(
        "고장 난 노트북은 어디에 맡기나요?",
        "컴퓨터에 문제가 생기면 3층 전산실에 수리를 부탁한다.",
        "노트북 가방은 어디에서나 살 수 있는 제품이다.",
    ),
    _Item(
        "월급은 매달 며칠에 들어오나요?",
        "급여는 25일에 각자의 계좌로 이체된다.",
        "소식지는 매달 초에 우편함에 들어온다.",
    ),
    _Item(
        "손님이 오면 어떻게 맞이해야 합니까?",
        "외부 방문자는 안내 데스크에서 출입증을 받고 담당자와 함께 들어온다.",
        "비가 오면 옥상 문을 닫아야 합니다.",
    ),
    _Item(
        "구매한 물건을 되돌려 보내고 싶어요.",
        "마음에 들지 않는 상품은 2주 안에 반품할 수 있다.",
        "물건을 창고로 보내고 나면 재고 수량을 고친다.",
    ),
    _Item(
        "계약을 도중에 그만두면 돈을 내야 하나요?",
        "약정 기간이 끝나기 전에 해지하는 고객에게는 위약금이 부과된다.",
        "계약서를 복사하려면 장당 50원을 내야 한다.",
    ),
    _Item(
        "회의록은 얼마나 오래 보관합니까?",
        "논의 내용을 적은 문서는 5년 동안 남겨 둔다.",
        "회의는 얼마나 오래 하든 한 시간을 넘기지 않는다.",
    ),
    _Item(
        "불이 나면 어디로 대피하나요?",
        "화재 경보가 울리면 비상계단을 이용해 건물 밖 주차장에 모인다.",
        "불이 꺼진 사무실은 어디인지 경비실에서 확인한다.",
    ),
    _Item(
        "아이를 낳으면 얼마나 쉴 수 있나요?",
        "출산한 직원에게는 90일의 휴직이 주어진다.",
        "아이와 함께 쉴 수 있는 공원이 회사 옆에 있다.",
    ),
    _Item(
        "한글은 누가 만들었나요?",
        "훈민정음은 세종대왕이 1443년에 창제하였다.",
        "한글 파일은 누가 열어도 글꼴이 깨지지 않는다.",
    ),
    _Item(
        "지구에서 가장 높은 산은 무엇인가요?",
        "에베레스트의 꼭대기는 해발 8,848미터로 세계 최고봉이다.",
        "가장 높은 점수를 받은 산악 동호회가 상을 받았다.",
    ),
    _Item(
        "물은 몇 도에서 끓습니까?",
        "액체인 H2O는 섭씨 100도가 되면 수증기로 바뀐다.",
        "물은 몇 층에서나 정수기로 마실 수 있다.",
    ),
    _Item(
        "임진왜란 때 바다를 지킨 장군은 누구인가?",
        "이순신은 거북선을 이끌고 일본 수군을 물리쳤다.",
        "여름 바다를 지킨 안전 요원에게 감사패를 주었다.",
    ),
    _Item(
        "대한민국의 수도는 어디인가요?",
        "서울에는 청와대와 국회를 비롯한 중앙 기관이 모여 있다.",
        "수도 요금은 어디에서 내는지 관리실에 물어본다.",
    ),
    _Item(
        "식물은 햇빛으로 무엇을 만드나요?",
        "광합성은 잎이 빛을 받아 당과 산소를 내놓는 과정이다.",
        "햇빛 가리개로 만드는 그늘은 주차장에 설치한다.",
    ),
    _Item(
        "감기에 걸렸을 때 어떻게 해야 하나요?",
        "열이 나고 기침이 나면 푹 쉬면서 따뜻한 차를 마시는 것이 좋다.",
        "전화가 걸렸을 때 먼저 부서 이름을 말한다.",
    ),
    _Item(
        "자동차 엔진오일은 언제 바꾸나요?",
        "차량 윤활유는 1만 킬로미터를 달릴 때마다 교체한다.",
        "자동 응답 안내말은 언제든 바꾸면 된다.",
    ),
    _Item(
        "집을 빌릴 때 무엇을 확인해야 합니까?",
        "전세 계약을 맺기 전에는 등기부에서 소유자와 빚을 살펴보아야 한다.",
        "책을 빌릴 때 사원증을 확인해야 한다.",
    ),
    _Item(
        "밤에 잠이 잘 오지 않아요.",
        "불면증이 있는 사람은 저녁에 커피를 피하고 규칙적으로 자야 한다.",
        "밤에는 택배가 잘 오지 않는다.",
    ),
    _Item(
        "은행에서 돈을 빌리는 비용이 올랐나요?",
        "기준 금리가 인상되어 대출 이자가 늘었다.",
        "은행나무를 빌리는 데 드는 조경 비용을 줄였다.",
    ),
)

# (probe, share): between two points the share grows in a straight line. From fusing with bigram
# BM25 on KorQuAD 1.0 dev (964 passages, 500 questions), with the vectors of the Universal Sentence
# Encoder made worse by noise:
# - .2: chance is .09 with a standard deviation of .035; below .2 the dense leg alone found at most
#   2 % of the passages first, so that any share only costs. all-MiniLM-L6-v2 probes at .04.
# - .4: the encoder without noise (.404). These questions repeat the words of their passage, so the
#   dense leg gains nothing here and only its price shows: share .4 cost 1.2 points of R@1 (.948 to
#   .936, R@5 unchanged), .5 2.4 and .6 5.2. What it gains on paraphrased questions is not in this table.
# - .56: multilingual-e5-small (e5:base) with vectors of whole chunks and of sentences (.559), on half of the
#   articles (1,403 chunks). 400 questions in their passages' words: R@1 .932 at share .6, .920 at .7,
#   .912 at .8, .890 at 1. Questions in other words want more; they get it in `corpus.fusion.dense_say`.
# - .64: the same with its adapter (e5:, .645), on articles and documents that it was not trained on. R@1 at
#   shares .6, .7 and .8: 773 questions of KorQuAD .920, .925, .922; 107 of office documents .991, .991, .981;
#   124 of the same in other words .355, .395, .411 (R@4 .718 at all three).
_SHARES = ((0.2, 0.0), (0.4, 0.4), (0.56, 0.6), (0.64, 0.7))


def korean_probe(embedder: Embedder) -> float:
    """Mean reciprocal rank, 0..1, of each question's answer among 24 answers and 24 distractors.

    Question and answer share almost no words, question and distractor do: who sees
    only spelling stays below chance (.09), who knows what the words mean nears 1.
    Costs one embedding of 48 sentences and 24 of one. Raises what `embed` raises.
    """
    pool = embedder.embed([item.answer for item in _ITEMS] + [item.distractor for item in _ITEMS])
    questions = np.stack([embedder.embed_query(item.question) for item in _ITEMS])
    scores = questions @ pool.T
    own = np.diagonal(scores)[:, None]
    ranks = (scores >= own).sum(axis=1)  # ties count against it: equal vectors know nothing
    return float(np.mean(1 / ranks))


def weight_from_probe(probe: float) -> float:
    """The dense leg's share, 0..0.7, of a fusion of min-max scores; the lexical leg has the rest.

    Never falls as the probe grows. 0 means that the dense leg is to be left out.
    """
    return float(np.interp(probe, [at for at, _ in _SHARES], [share for _, share in _SHARES]))
