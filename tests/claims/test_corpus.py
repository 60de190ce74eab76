"""What symgrad says of the claims of the corpus: nothing false proved, nothing true refuted, both decided."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from symgrad.claims import Claim, Examined, examine_document
from symgrad.evidence import Verdict
from symgrad.parsing import Document

SECONDS = 30.0
PROVEN = (Verdict.PROVED, Verdict.CERTIFIED)
WORST_LAST = (*PROVEN, Verdict.SUPPORTED, Verdict.UNDECIDED, Verdict.REFUTED)
GRAVE = {"true": (Verdict.REFUTED,), "false": PROVEN}
# True, and supported only.
OPEN = ("abs(product(sigmoid(x)*(1 - sigmoid(x)), k, 1, n)) <= 1/4**n",)


@dataclass(frozen=True)
class Outcome:
    """What was found about one entry, and how long it took."""

    label: str
    entry: Any
    verdict: Verdict
    seconds: float


def outcomes_of(label: str, entries: Sequence[Any], *, seconds: float = SECONDS) -> Iterator[Outcome]:
    """Examine lines of the corpus; the verdict of a line is that of its weakest link."""
    for entry in entries:
        begin = time.perf_counter()
        found = list(examine_document(Document(entry.links, (), ()), seconds=seconds))
        verdicts = [one.evidence.verdict for one in found if isinstance(one, Examined)]
        assert len(verdicts) == len(entry.links), (entry.text, found)
        assert all("a defect in symgrad" not in one.evidence.method for one in found if isinstance(one, Examined)), (
            found
        )
        yield Outcome(label, entry, max(verdicts, key=WORST_LAST.index), time.perf_counter() - begin)


def examined(truth: ModuleType, label: str, *, seconds: float = SECONDS, limit: int | None = None) -> Iterator[Outcome]:
    """Examine the entries of one file of the corpus."""
    return outcomes_of(label, truth.entries(label)[:limit], seconds=seconds)


def matrix(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """Return how many true and false claims were proved (by proof or by balls), supported, undecided and refuted."""
    counts = Counter((one.label, "proved" if one.verdict in PROVEN else one.verdict.word) for one in outcomes)
    words = ("proved", "supported", "undecided", "refuted")
    return {label: {word: counts[label, word] for word in words} for label in ("true", "false")}


def sections() -> Iterator[tuple[str, str]]:
    """Yield (label, topic) for every section of the corpus."""
    for label in GRAVE:
        text = (Path(__file__).parent / "corpus" / f"{label}.symgrad").read_text(encoding="utf-8")
        yield from ((label, topic) for topic in re.findall("^# (.*)$", text, re.MULTILINE))


@pytest.mark.parametrize(("label", "topic"), tuple(sections()))
def test_every_claim_of_the_corpus_is_decided_rightly(truth: ModuleType, label: str, topic: str) -> None:
    entries = [entry for entry in truth.entries(label) if entry.kind == topic]
    outcomes = list(outcomes_of(label, entries))
    assert outcomes
    assert [one.entry.text for one in outcomes if one.verdict in GRAVE[label]] == []
    right = PROVEN if label == "true" else (Verdict.REFUTED,)
    assert [one.entry.text for one in outcomes if one.verdict not in right and one.entry.text not in OPEN] == []


def test_every_entry_of_the_corpus_stands_in_a_section_that_is_examined(truth: ModuleType) -> None:
    topics = set(sections())
    assert {(label, entry.kind) for label in GRAVE for entry in truth.entries(label)} == topics
    assert len(OPEN) < 0.1 * len(truth.entries("true"))


@pytest.mark.parametrize(("text", "label"), [("x = x + 1", "true"), ("sin(x)**2 + cos(x)**2 = 1", "false")])
def test_a_claim_with_the_wrong_label_would_be_noticed(text: str, label: str) -> None:
    verdict = Claim(text).examine().verdict
    assert verdict in GRAVE[label]
    assert matrix([Outcome(label, None, verdict, 0.0)])[label]["refuted" if label == "true" else "proved"] == 1
