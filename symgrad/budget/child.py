"""The child process: it imports SymPy once, then answers one call after another until its pipe ends.

A message is its length (8 bytes) and a pickle. The parent ends a call by killing the child. A child whose parent is
gone ends as well: an idle one reads the end of its pipe, a busy one receives SIGIO when the pipe is hung up, or SIGALRM
soon after its time is over; both signals keep their default action, which ends the process inside C code too.
"""

import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

GRACE_SECONDS = 1.0
LENGTH = struct.Struct("<Q")
VALUE, ERROR, MEMORY = "value", "error", "memory"
READY = b"ready"

in_child = False


def write_message(stream: BinaryIO, message: bytes) -> None:
    """Write one message and flush it."""
    stream.write(LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def read_message(stream: BinaryIO) -> bytes:
    """Read one message.

    Raises
    ------
    EOFError : the other end is gone
    """
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    return _exactly(stream, length)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the pipe has ended")
    return data


def serve(memory: int) -> None:
    """Answer calls on standard input until it ends; ``memory`` bounds the address space in bytes."""
    global in_child
    in_child = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # What the code called prints must not get between the messages.
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 0)
    os.dup2(silence, 1)
    _bound_memory(memory)
    import sympy  # noqa: F401

    write_message(answers, READY)
    while True:
        try:
            request = read_message(requests)
        except EOFError:
            return
        (seconds,) = struct.unpack("<d", request[:8])
        _watch(requests.fileno(), seconds)
        answer = _answer(request[8:])
        _watch(requests.fileno(), 0.0)
        write_message(answers, answer)


def _bound_memory(memory: int) -> None:
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        allowed = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
    except (ImportError, ValueError, OSError):
        return


def _watch(pipe: int, seconds: float) -> None:
    """Let the system end this process when the pipe is hung up or the time is over; 0 seconds: no longer."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS if seconds else 0.0)
    try:
        import fcntl

        flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_ASYNC if seconds else flags & ~os.O_ASYNC)
        if seconds and _hung_up(pipe):
            os._exit(0)
    except (ImportError, AttributeError, OSError):
        return


def _hung_up(pipe: int) -> bool:
    import select

    poll = select.poll()
    poll.register(pipe, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _answer(request: bytes) -> bytes:
    """Make the call and return the pickled (kind, value)."""
    try:
        function: Callable[..., Any]
        function, arguments, keywords = pickle.loads(request)
        return pickle.dumps((VALUE, function(*arguments, **keywords)))
    except MemoryError:
        return pickle.dumps((MEMORY, None))
    except Exception as error:
        return _error(error)


def _error(error: Exception) -> bytes:
    """Return a pickled exception, or its text where it cannot be pickled there and back."""
    try:
        message = pickle.dumps((ERROR, error))
        pickle.loads(message)
        return message
    except Exception:
        return pickle.dumps((ERROR, RuntimeError(f"{type(error).__name__}: {error}")))


def command(memory: int) -> list[str]:
    """Return the command line that starts a child with this interpreter and this process's import path."""
    path = [entry for entry in sys.path if isinstance(entry, str)]
    code = f"import sys; sys.path[:] = {path!r}; from symgrad.budget.child import serve; serve({memory})"
    return [sys.executable, "-P", "-c", code]
