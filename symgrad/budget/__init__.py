"""One call in a warm, killable child process: its value, or the reason why there is none in time."""

from symgrad.budget.calls import close, prepare, within
from symgrad.budget.clock import COMMAND_SECONDS, Deadline, remaining, shared_time
from symgrad.budget.outcomes import NoAnswer

__all__ = ["COMMAND_SECONDS", "Deadline", "NoAnswer", "close", "prepare", "remaining", "shared_time", "within"]
