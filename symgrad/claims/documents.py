"""A file of claims, examined link by link: each in the warm child process, within its own time limit."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from sympy import Symbol

from symgrad.budget import NoAnswer, within
from symgrad.claims.claim import Claim
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import functions
from symgrad.parsing import (
    Arity,
    Call,
    Document,
    Link,
    Node,
    Power,
    Problem,
    exact_value,
    kind_sentence,
    parse,
    read_document,
    walk,
)
from symgrad.parsing.conversion import arity

SECONDS = 5.0
# The import of the rooms in a new child is not the claim's time.
START_SECONDS = 60.0
OPERATORS: Mapping[str, Arity] = MappingProxyType(
    {"diff": (2, 3), "limit": (3,), "sum": (4,), "product": (4,), "iterate": (3,)}
)
# Single-valued and analytic apart from poles, so an identity on the real line is one on the complex plane.
_MEROMORPHIC = frozenset("exp sin cos tan sinh cosh tanh sigmoid diff".split())
_WARMING = Link(1, 1, "x - x = 0", "x - x", "=", "0")
_NO_ANSWERS = frozenset(reason.value for reason in NoAnswer)
_PLACE = re.compile(r" \(column \d+(?: of (?:'[^']*'|\"[^\"]*\"))?\)")
Known = MutableMapping[tuple[Link, float, int], "Evidence | Problem"]


@dataclass(frozen=True)
class Examined:
    """One link of a file and what was found about it."""

    link: Link
    evidence: Evidence


def open_document(text: str) -> Document:
    r"""Read a file of claims with every function and operator that a claim may use.

    >>> [link.text for link in open_document("let x: positive\nsqrt(x)**2 = x").links]
    ['sqrt(x)**2 = x']
    """
    return read_document(text, {**{name: arity(row) for name, row in functions().items()}, **OPERATORS})


def examine_document(
    document: Document, *, seconds: float = SECONDS, seed: int = 0, known: Known | None = None
) -> Iterator[Examined | Problem]:
    """Examine the links of a document in order.

    Parameters
    ----------
    document : as ``open_document`` returns it
    seconds : time limit of each link; one without an answer in time is undecided
    seed : seed of the points at which a refutation is tried
    known : answers found earlier, which are used again and added to

    Yields
    ------
    Examined or Problem
        What was found, or why a link that reads well is no statement.
    """
    answers: Known = {} if known is None else known
    is_warm = False
    for link in document.links:
        # The line is where it stands, not what it says.
        key = (replace(link, line=0, column=0, text=""), seconds, seed)
        if key not in answers:
            if not is_warm:
                within(START_SECONDS, warm, _WARMING, 0)
            answers[key] = _answer(link, seconds, seed)
            found = answers[key]
            is_warm = not (isinstance(found, Evidence) and found.method in _NO_ANSWERS)
        answer = answers[key]
        if isinstance(answer, Problem):
            yield replace(answer, line=link.line, column=link.column)
        else:
            yield Examined(link, replace(answer, claim=link.text))


@cache
def warm(link: Link, seed: int) -> None:
    """Examine a claim, once in each process: it imports what claims need."""
    examine_link(link, seed)


def _answer(link: Link, seconds: float, seed: int) -> Evidence | Problem:
    try:
        found = within(seconds, examine_link, link, seed)
    except InputError as error:
        # The columns are those of the canonical text, not of the file.
        return Problem(link.line, link.column, _PLACE.sub("", str(error)))
    except Exception as error:
        # One link must not keep the others from being examined.
        return _without_answer(link, f"a defect in symgrad: {type(error).__name__}: {str(error)[:200]}")
    return _without_answer(link, found.value) if isinstance(found, NoAnswer) else found


def _without_answer(link: Link, reason: str) -> Evidence:
    return Evidence(link.text, Verdict.UNDECIDED, reason, None, _kinds(link))


def examine_link(link: Link, seed: int) -> Evidence:
    """Examine one link where it is called; its domain names the kinds it assumes.

    >>> link = open_document("let n: integer\\nsin(pi*n) = 0").links[0]
    >>> examine_link(link, 0).domain
    ('n: integer',)
    """
    symbols = {name: Symbol(name, **dict.fromkeys(sorted(kind), True)) for name, kind in link.kinds}
    claim = Claim(f"{link.lhs} {link.relation} {link.rhs}", where=link.where, symbols=symbols)
    evidence = claim.examine(seed)
    if any("complex" in kind for _, kind in link.kinds):
        evidence = _over_the_plane(link, evidence)
    return replace(evidence, domain=(*_kinds(link), *evidence.domain))


def _kinds(link: Link) -> tuple[str, ...]:
    return tuple(kind_sentence(name, kind) for name, kind in link.kinds)


def _over_the_plane(link: Link, evidence: Evidence) -> Evidence:
    """Return what real points and a proof on the real line say about complex variables.

    A real point that refutes refutes. Proofs are those for real variables; an equation between functions that are
    analytic apart from poles extends to the plane by the identity theorem, anything else is left undecided.
    """
    if evidence.verdict is Verdict.REFUTED:
        return evidence
    extends = link.relation == "=" and not link.where and all(_is_meromorphic(s) for s in (link.lhs, link.rhs))
    if evidence.verdict is Verdict.PROVED and extends:
        return replace(evidence, method=f"{evidence.method}, and the identity theorem")
    return replace(
        evidence, verdict=Verdict.UNDECIDED, method="only real values of the complex variables were examined"
    )


def _is_meromorphic(text: str) -> bool:
    return all(_keeps_analytic(part) for part in walk(parse(text)))


def _keeps_analytic(part: Node) -> bool:
    if isinstance(part, Power):
        exponent = exact_value(part.exponent)
        return exponent is not None and exponent.denominator == 1
    return not isinstance(part, Call) or part.function in _MEROMORPHIC
