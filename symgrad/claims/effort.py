"""Work bounded by processor time, so that what else the machine does changes no verdict."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class SpentError(Exception):
    """The processor time allowed is over."""


def within_effort(seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Call a function and return its value, None once this process has worked so many seconds on it.

    Code that does not come back to the interpreter is not interrupted; outside of the main thread nothing is.

    >>> within_effort(5.0, max, 2, 3)
    3
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return function(*args, **kwargs)
    previous = signal.signal(signal.SIGPROF, _stop)
    try:
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            return function(*args, **kwargs)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
    except SpentError:
        return None
    finally:
        signal.signal(signal.SIGPROF, previous)


def _stop(_: int, __: FrameType | None) -> None:
    raise SpentError
