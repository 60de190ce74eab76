"""What symgrad says of the claims of the corpus: nothing false proved, nothing true refuted, most of both decided."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from symgrad.budget import close
from symgrad.claims import Claim, Examined, examine_document
from symgrad.evidence import Verdict
from symgrad.parsing import Document

SECONDS = 30.0
PROVEN = (Verdict.PROVED, Verdict.CERTIFIED)
WORST_LAST = (*PROVEN, Verdict.SUPPORTED, Verdict.UNDECIDED, Verdict.REFUTED)
GRAVE = {"true": (Verdict.REFUTED,), "false": PROVEN}
SHARE = 0.9


@dataclass(frozen=True)
class Outcome:
    """What was found about one entry, and how long it took."""

    label: str
    entry: Any
    verdict: Verdict
    seconds: float


def examined(truth: ModuleType, label: str, *, seconds: float = SECONDS, limit: int | None = None) -> Iterator[Outcome]:
    """Examine the entries of one file of the corpus; the verdict of a line is that of its weakest link."""
    for entry in truth.entries(label)[:limit]:
        begin = time.perf_counter()
        found = list(examine_document(Document(entry.links, (), ()), seconds=seconds))
        verdicts = [one.evidence.verdict for one in found if isinstance(one, Examined)]
        assert len(verdicts) == len(entry.links), (entry.text, found)
        assert all("a defect in symgrad" not in one.evidence.method for one in found if isinstance(one, Examined)), (
            found
        )
        yield Outcome(label, entry, max(verdicts, key=WORST_LAST.index), time.perf_counter() - begin)


def matrix(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """Return how many true and false claims were proved (by proof or by balls), supported, undecided and refuted."""
    counts = Counter((one.label, "proved" if one.verdict in PROVEN else one.verdict.word) for one in outcomes)
    words = ("proved", "supported", "undecided", "refuted")
    return {label: {word: counts[label, word] for word in words} for label in ("true", "false")}


@pytest.mark.parametrize(("label", "word"), [("true", "proved"), ("false", "refuted")])
def test_no_false_claim_of_the_corpus_is_proved_and_no_true_one_refuted(
    truth: ModuleType, label: str, word: str
) -> None:
    try:
        outcomes = list(examined(truth, label))
    finally:
        close()
    assert [one.entry.text for one in outcomes if one.verdict in GRAVE[label]] == []
    counts = matrix(outcomes)[label]
    assert counts[word] >= SHARE * sum(counts.values()), counts


@pytest.mark.parametrize(("text", "label"), [("x = x + 1", "true"), ("sin(x)**2 + cos(x)**2 = 1", "false")])
def test_a_claim_with_the_wrong_label_would_be_noticed(text: str, label: str) -> None:
    verdict = Claim(text).examine().verdict
    assert verdict in GRAVE[label]
    assert matrix([Outcome(label, None, verdict, 0.0)])[label]["refuted" if label == "true" else "proved"] == 1
