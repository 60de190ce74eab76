"""Verdicts and the evidence they rest on: data only, importable everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Verdict(Enum):
    """How far a statement has been decided; the value is the sentence a report prints."""

    PROVED = "proved by an exact argument"
    CERTIFIED = "certified by rigorous enclosures"
    SUPPORTED = "supported: it held at every point tried, which is not a proof"
    SAMPLED = "sampled: measured on a grid or along an orbit, between the points anything may happen"
    REFUTED = "refuted by the point named"
    UNDECIDED = "undecided: neither proved nor refuted"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it."""
        return self.name.lower()


@dataclass(frozen=True)
class Evidence:
    """What was found about one statement, and how.

    Parameters
    ----------
    claim : the statement, as text
    verdict : how far it is decided
    method : the argument in a few words, e.g. "exponential normal form"
    witness : for a refuted claim the point that breaks it, symbol name → exact decimal or rational text
    domain : the conditions under which the verdict holds, e.g. ("x != 0",)
    """

    claim: str
    verdict: Verdict
    method: str
    witness: Mapping[str, str] | None = None
    domain: tuple[str, ...] = field(default=())
