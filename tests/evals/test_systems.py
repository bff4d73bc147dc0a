import pytest

from app.errors import MutdaError
from evals.systems import BASELINES, baseline


@pytest.mark.parametrize("name", BASELINES)
def test_each_name_leads_to_its_function(name: str) -> None:
    assert baseline(name).__name__ == BASELINES[name][1]


def test_an_unknown_name() -> None:
    with pytest.raises(MutdaError, match=r'^There is no baseline "x"\. There are: plain, tutorial\.$'):
        baseline("x")
