"""Work is bounded by the processor's time, not by the clock."""

import signal
import time

import pytest

from symgrad.claims import Claim, series
from symgrad.claims.effort import within_effort
from symgrad.evidence import Verdict


def worked(seconds: float) -> str:
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        pass
    return "done"


def test_waiting_is_no_work() -> None:
    def slept() -> str:
        time.sleep(0.2)
        return worked(0.01)

    assert within_effort(0.1, slept) == "done"


def test_work_is_stopped_and_nothing_of_the_limit_stays() -> None:
    before = signal.getsignal(signal.SIGPROF)
    assert within_effort(0.05, worked, 30.0) is None
    assert signal.getsignal(signal.SIGPROF) is before
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0.0
    assert worked(0.06) == "done"


def test_an_error_of_the_function_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        within_effort(5.0, divmod, 1, 0)


def test_a_product_without_a_value_in_its_time_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "EFFORT_SECONDS", 0.001)
    evidence = Claim("product(1 + 1/k**2, k, 1, oo) = sinh(pi)/pi").examine()
    assert evidence.verdict is Verdict.UNDECIDED
    assert "is not known" in evidence.method
