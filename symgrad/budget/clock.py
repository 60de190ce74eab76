"""The time a whole command may take: a deadline whose remaining time shrinks."""

import time
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


def start_clock(seconds: float | None = COMMAND_SECONDS) -> None:
    """Let all calls of this process share so many seconds from now on; None lets each have its own time again."""
    _of_the_command[:] = [] if seconds is None else [Deadline(seconds)]


def remaining(seconds: float = COMMAND_SECONDS) -> float:
    """Return the time a call that asks for ``seconds`` may take: no more than the command has left.

    >>> start_clock(2.0)
    >>> remaining(10.0) <= 2, remaining(1.0)
    (True, 1.0)
    >>> start_clock(None)
    >>> remaining(10.0)
    10.0
    """
    return min([seconds, *(deadline.remaining for deadline in _of_the_command)])
