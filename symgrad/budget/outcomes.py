"""Why a call has no value."""

from enum import Enum


class NoAnswer(Enum):
    """Why a call has no value; the value is the sentence a report prints."""

    TIME = "no answer in time"
    MEMORY = "no answer within the memory allowed"
    LOST = "no answer: the process that computed it ended"
