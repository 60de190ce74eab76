"""The time a whole command may take: a deadline whose remaining time shrinks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

COMMAND_SECONDS = 10.0


@dataclass(frozen=True)
class Deadline:
    """A moment so many seconds after this object was made.

    Parameters
    ----------
    seconds : the time allowed

    Examples
    --------
    >>> 9 < Deadline(10.0).remaining <= 10
    True
    """

    seconds: float
    _start: float = field(default_factory=time.monotonic, repr=False, compare=False)

    @property
    def remaining(self) -> float:
        """The seconds left, never negative."""
        return max(0.0, self._start + self.seconds - time.monotonic())


_of_the_command: list[Deadline] = []


@contextmanager
def shared_time(seconds: float = COMMAND_SECONDS) -> Iterator[Deadline]:
    """Let all calls inside the block share so many seconds; after it each has its own time again."""
    deadline = Deadline(seconds)
    _of_the_command.append(deadline)
    try:
        yield deadline
    finally:
        _of_the_command.remove(deadline)


def remaining(seconds: float = COMMAND_SECONDS) -> float:
    """Return the time a call that asks for ``seconds`` may take: no more than the command has left.

    >>> with shared_time(2.0):
    ...     remaining(10.0) <= 2, remaining(1.0)
    (True, 1.0)
    >>> remaining(10.0)
    10.0
    """
    return min([seconds, *(deadline.remaining for deadline in _of_the_command)])
