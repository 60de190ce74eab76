"""Calls in the child process: started on first use, killed when the time is over, started again afterwards."""

import atexit
import contextlib
import os
import pickle
import struct
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, ParamSpec, TypeVar

from symgrad.budget import child
from symgrad.budget.clock import remaining
from symgrad.budget.outcomes import NoAnswer

MEMORY_BYTES = 2 * 2**30
START_SECONDS = 60.0
P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class _Child:
    """A running child: its process and its pipes."""

    process: subprocess.Popen[bytes]
    requests: BinaryIO
    answers: BinaryIO
    ready: bool = False

    def end(self) -> None:
        """Kill the process, wait for it, and close the pipes."""
        self.process.kill()
        self.process.wait()
        for stream in (self.requests, self.answers):
            with contextlib.suppress(OSError):
                stream.close()


@dataclass
class _Post:
    """The one child of this process, and the lock that lets one call at a time use it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    child: _Child | None = None


_post = _Post()


def within(seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | NoAnswer:
    """Call a function in the child process and return its value, or ``NoAnswer`` when the time is over.

    The first call starts the child, which takes about a second that does not count; a call costs some 0.2 ms more
    than the function itself, so cheap calls are better made directly. Within the child a call is made directly, under
    the time limit of the call that is being answered. Calls of several threads wait for each other.

    Parameters
    ----------
    seconds : time the call may take, cut to what ``shared_time`` left for the whole command
    function : importable by its module and name
    args, kwargs : its arguments; they and the value must pickle, as SymPy's expressions do

    Raises
    ------
    Exception : whatever the function raised

    Examples
    --------
    >>> import math
    >>> within(10.0, math.gcd, 12, 18)
    6
    >>> within(0.1, pow, 7, 10**9)
    <NoAnswer.TIME: 'no answer in time'>
    """
    if child.in_child:
        return function(*args, **kwargs)
    request = pickle.dumps((function, args, kwargs))
    with _post.lock:
        allowed = remaining(seconds)
        if allowed <= 0:
            return NoAnswer.TIME
        answer = _asked(request, allowed)
    if isinstance(answer, NoAnswer):
        return answer
    kind, value = pickle.loads(answer)
    if kind == child.MEMORY:
        return NoAnswer.MEMORY
    if kind == child.ERROR:
        raise value
    result: T = value
    return result


def prepare() -> None:
    """Start the child without waiting for it, so that it is warm when the first call is made."""
    if not child.in_child:
        with _post.lock:
            _running()


def close() -> None:
    """End the child process; a later call starts another."""
    with _post.lock:
        running, _post.child = _post.child, None
        if running is not None:
            running.end()


def _running() -> _Child:
    if _post.child is None or _post.child.process.poll() is not None:
        close()
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        process = subprocess.Popen(
            child.command(MEMORY_BYTES),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        # BufferedReader and BufferedWriter at run time, whatever the annotation of Popen says.
        _post.child = _Child(process, process.stdin, process.stdout)  # type: ignore[arg-type]
    return _post.child


def _asked(request: bytes, seconds: float) -> bytes | NoAnswer:
    """Send a request and wait for the answer; a child without one in time is ended, as it is by an interruption."""
    answer: bytes | NoAnswer = NoAnswer.LOST
    try:
        running = _running()
        if not running.ready:
            with _Killer(running, START_SECONDS):
                running.ready = child.read_message(running.answers) == child.READY
        answer = _exchange(running, request, seconds)
    except (EOFError, BrokenPipeError):
        pass
    finally:
        if isinstance(answer, NoAnswer):
            close()
    return answer


def _exchange(running: _Child, request: bytes, seconds: float) -> bytes | NoAnswer:
    with _Killer(running, seconds) as killer:
        try:
            child.write_message(running.requests, struct.pack("<d", seconds) + request)
            return child.read_message(running.answers)
        except (EOFError, BrokenPipeError):
            return NoAnswer.TIME if killer.fired else NoAnswer.LOST


class _Killer:
    """Kills a child unless the block ends in time."""

    def __init__(self, running: _Child, seconds: float) -> None:
        self.running, self.fired = running, False
        self.timer = threading.Timer(seconds, self._fire)
        self.timer.daemon = True

    def _fire(self) -> None:
        self.fired = True
        self.running.process.kill()

    def __enter__(self) -> "_Killer":
        self.timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()


def _forget() -> None:
    """Let go of the child in a forked process, where it is the parent's and its pipes are copies."""
    global _post
    inherited, _post = _post.child, _Post()
    if inherited is not None:
        inherited.process.returncode = 0
        for stream in (inherited.requests, inherited.answers):
            stream.close()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
