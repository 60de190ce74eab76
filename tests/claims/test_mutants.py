"""One operator, sign, constant, index or relation of a true claim changed: what mpmath refutes is never proved."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import pytest

import symgrad.claims.documents as documents
from symgrad.claims import Claim, Examined, examine_document
from symgrad.evidence import Verdict
from symgrad.parsing import Call, Document, Link, Name, Negative, Node, Number, Power, Product, Reciprocal, Sum, unparse
from symgrad.parsing import parse as read
from symgrad.parsing.tree import CONSTANTS, children

SAMPLE = 100
DIGITS = 100
SECONDS = 5.0
PROVEN = (Verdict.PROVED, Verdict.CERTIFIED)
ONE = Number(Fraction(1))
SIBLINGS = (
    ("sin", "cos"),
    ("sinh", "cosh"),
    ("tanh", "sigmoid"),
    ("tan", "tanh"),
    ("asin", "acos"),
    ("atan", "atanh"),
    ("asinh", "acosh"),
    ("Min", "Max"),
    ("exp", "cosh"),
    ("abs", "relu"),
    ("sum", "product"),
)
SIBLING = {one: other for pair in SIBLINGS for one, other in (pair, pair[::-1])}
OTHER_RELATION = {"=": ("<", ">="), "<": (">", "="), "<=": ("<", ">="), ">": ("<", "="), ">=": (">", "<=")}


@dataclass(frozen=True)
class Mutant:
    """A link with one thing changed, and a point at which mpmath finds it wrong (None where it finds none)."""

    link: Link
    wrong_at: dict[str, Any] | None


def changed(node: Node) -> Iterator[Node]:
    """Yield the trees that differ from this one in one place."""
    yield from _at_the_top(node)
    parts = children(node)
    bound = 2 if isinstance(node, Call) and node.function == "iterate" else 1
    for place, part in enumerate(parts):
        if isinstance(node, Call) and node.function in BINDING and place == bound:
            continue
        for other in changed(part):
            yield _with_parts(node, (*parts[:place], other, *parts[place + 1 :]))


BINDING = frozenset({"diff", "limit", "sum", "product", "iterate"})


def _at_the_top(node: Node) -> Iterator[Node]:
    match node:
        case Number(value):
            yield Number(value + 1)
            yield Number(value - 1) if value >= 1 else Negative(Number(value + 1))
        case Name(name) if name not in CONSTANTS:
            yield Sum((node, ONE))
            yield Sum((node, Negative(ONE)))
        case Name("pi"):
            yield Number(Fraction(22, 7))
        case Negative(operand) | Reciprocal(operand):
            yield operand
        case Sum(terms):
            for i, term in enumerate(terms):
                flipped = term.operand if isinstance(term, Negative) else Negative(term)
                yield Sum((*terms[:i], flipped, *terms[i + 1 :]))
            yield Product(terms)
        case Product(factors):
            for i in range(len(factors)):
                rest = (*factors[:i], *factors[i + 1 :])
                yield rest[0] if len(rest) == 1 else Product(rest)
            yield Sum(factors)
        case Power(base, exponent):
            yield base
            yield Power(base, Negative(exponent))
        case Call(function, arguments) if function in SIBLING:
            yield Call(SIBLING[function], arguments)


def _with_parts(node: Node, parts: tuple[Node, ...]) -> Node:
    match node:
        case Negative() | Reciprocal():
            return type(node)(parts[0])
        case Sum() | Product():
            return type(node)(parts)
        case Power():
            return Power(parts[0], parts[1])
        case Call(function):
            return Call(function, parts)
    return node


def variants(link: Link) -> Iterator[Link]:
    """Yield the links that differ from one in one place of a side, or in the relation; conditions stay."""
    for other in _texts_of_changes(link.lhs):
        yield _stated(replace(link, lhs=other))
    for other in _texts_of_changes(link.rhs):
        yield _stated(replace(link, rhs=other))
    for relation in OTHER_RELATION.get(link.relation, ()):
        yield _stated(replace(link, relation=relation))


def _texts_of_changes(side: str) -> list[str]:
    texts = dict.fromkeys(unparse(other) for other in changed(read(side)))
    return [text for text in texts if text != side]


def _stated(link: Link) -> Link:
    suffix = f" where {', '.join(link.where)}" if link.where else ""
    return replace(link, text=f"{link.lhs} {link.relation} {link.rhs}{suffix}")


@cache
def every_variant(truth: ModuleType) -> tuple[Link, ...]:
    """Return all variants of the true claims of the corpus."""
    return tuple(variant for entry in truth.entries("true") for link in entry.links for variant in variants(link))


def drawn_variants(truth: ModuleType, count: int, seed: int) -> Iterator[Link]:
    """Yield one variant each of links drawn at random, which need not make all the others."""
    rng = random.Random(seed)
    links = [link for entry in truth.entries("true") for link in entry.links]
    for link in rng.sample(links, count):
        yield rng.choice(list(variants(link)))


def mutants(
    truth: ModuleType, *, count: int | None = None, seed: int = 0, part: slice = slice(None)
) -> Iterator[Mutant]:
    """Yield mutants of the true claims of the corpus, all (or a part) or so many at random, each with its truth."""
    drawn = every_variant(truth)[part] if count is None else drawn_variants(truth, count, seed)
    oracle = truth.Oracle(DIGITS)
    for link in drawn:
        yield Mutant(
            link, next((at for at in truth.points(oracle, link) if truth.holds(oracle, link, at) is False), None)
        )


def verdict(link: Link, *, seconds: float = SECONDS) -> Verdict | None:
    """Return the verdict on a link; None where it is refused as no statement."""
    (found,) = examine_document(Document((link,), (), ()), seconds=seconds)
    if not isinstance(found, Examined):
        return None
    assert "a defect in symgrad" not in found.evidence.method, (link.text, found.evidence.method)
    return found.evidence.verdict


def test_no_mutant_that_mpmath_refutes_is_proved(truth: ModuleType) -> None:
    wrong = [mutant for mutant in mutants(truth, count=SAMPLE) if mutant.wrong_at is not None]
    verdicts = {mutant.link.text: verdict(mutant.link) for mutant in wrong}
    assert len(wrong) > SAMPLE // 2
    assert [text for text, found in verdicts.items() if found in PROVEN] == []
    assert sum(found is Verdict.REFUTED for found in verdicts.values()) > 0.8 * len(wrong)


def test_a_prover_that_accepts_everything_would_be_noticed(truth: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    proved = Claim("x = x").examine()
    monkeypatch.setattr(documents, "within", lambda *_: proved)
    mutant = next(mutant for mutant in mutants(truth, count=30) if mutant.wrong_at is not None)
    assert verdict(mutant.link) in PROVEN


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("sum(k, k, 1, n) = n", "sum(k, k, 2, n) = n"),
        ("sum(k, k, 1, n) = n", "sum(k, k, 1, n + 1) = n"),
        ("tanh(x) <= x where x > 0", "tanh(x) < x where x > 0"),
        ("x - y = 2*x**2", "x + y = 2*x**2"),
        ("x - y = 2*x**2", "x - y = x**2"),
        ("x - y = 2*x**2", "x - y = 2*x**3"),
        ("x - y = 2*x**2", "x - y = 2 + x**2"),
        ("sin(x) = 1/x", "cos(x) = 1/x"),
        ("sin(x) = 1/x", "sin(x) = 1*x"),
    ],
)
def test_each_kind_of_change_is_made(truth: ModuleType, text: str, other: str) -> None:
    (link,) = truth.open_document(text).links
    texts = [variant.text for variant in variants(link)]
    assert other in texts
    assert len(texts) == len(set(texts))
