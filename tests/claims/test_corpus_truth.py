"""The labels of the corpus are right: mpmath alone tells what is true, without the balls and the provers."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import pytest

from symgrad.claims import open_document
from symgrad.parsing import (
    Call,
    Document,
    Link,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Reciprocal,
    Sum,
    names,
    parse,
    parse_relation,
    walk,
)
from symgrad.parsing.definitions import bound_names

CORPUS = Path(__file__).parent / "corpus"
DIGITS = 100
LONGEST = 200
DOUBLED = tuple(2**k for k in range(4, 10))
TERMS = DOUBLED[-1]
VERY_FAR = 10**7
SMALL = 1e-11
UNSETTLED = 1e-7
KINDS = (
    "wrong sign",
    "missing factor",
    "wrong branch",
    "true only for x > 0",
    "off by one in n",
    "true at the sampled integers only",
    "differs only beyond |x| > 50",
    "differs only on a set of width 1e-6",
    "strict where equality is attained",
    "wrong limit",
    "wrong domain",
)
POINTS = 24
LEAST, ENOUGH = 3, 6
SPECIAL = tuple(Fraction(v) for v in "0 1 -1 1/2 -1/2 2 -2 1/3 3 -3 7/5 -7/5 9/10 -9/10 4 5 -5".split())

Numbers = Mapping[str, Any]
parsed, parsed_relation = cache(parse), cache(parse_relation)


class NoValueError(Exception):
    """A side has no real value at a point, or none that can be told."""


class NoLimitError(Exception):
    """A sequence has no limit, so that nothing is equal to it."""


@dataclass(frozen=True)
class Entry:
    """One line of the corpus: its links, the section it stands in, and the point its comment names."""

    line: int
    text: str
    kind: str
    links: tuple[Link, ...]
    point: dict[str, str]


@cache
def entries(name: str) -> tuple[Entry, ...]:
    """Return the claims of one file of the corpus."""
    text = (CORPUS / f"{name}.symgrad").read_text(encoding="utf-8")
    document = open_document(text)
    assert document.problems == ()
    return tuple(_entries(text, document))


def _entries(text: str, document: Document) -> Iterator[Entry]:
    kind = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# "):
            kind = line[2:]
        code, _, comment = line.partition("  # at ")
        links = tuple(link for link in document.links if link.line == number)
        if links:
            point = dict(part.split(" = ") for part in comment.split(", ")) if comment else {}
            yield Entry(number, code, kind, links, point)


class Oracle:
    """Evaluates trees with so many digits."""

    def __init__(self, digits: int = DIGITS) -> None:
        self.mp = mpmath.MPContext()
        self.mp.dps = digits

    def value(self, node: Node, at: Numbers) -> Any:
        """Return the real value of a tree at a point."""
        match node:
            case Number(value):
                return self.mp.mpf(value.numerator) / value.denominator
            case Name("oo"):
                return self.mp.inf
            case Name(name):
                return at[name] if name in at else {"pi": +self.mp.pi, "E": +self.mp.e}[name]
            case Negative(operand):
                return -self.value(operand, at)
            case Reciprocal(operand):
                return self._reciprocal(self.value(operand, at))
            case Sum(terms):
                return self.mp.fsum(self.value(term, at) for term in terms)
            case Product(factors):
                return self.mp.fprod(self.value(factor, at) for factor in factors)
            case Power(base, exponent):
                return self._power(self.value(base, at), self.value(exponent, at))
            case Call(function, arguments):
                operator = {"diff": self._diff, "limit": self._limit, "sum": self._sum, "product": self._product}
                if function == "iterate":
                    return self._iterate(arguments, at)
                if function in operator:
                    return operator[function](arguments, at)
                return self._real(self.function(function)(*(self.value(part, at) for part in arguments)))
        raise NoValueError(type(node).__name__)

    def _real(self, value: Any) -> Any:
        if isinstance(value, self.mp.mpc):
            if value.imag != 0:
                raise NoValueError("not real")
            return value.real
        if self.mp.isnan(value) or self.mp.isinf(value):
            raise NoValueError("not finite")
        return value

    def _reciprocal(self, value: Any) -> Any:
        if value == 0:
            raise NoValueError("division by 0")
        return 1 / value

    def _power(self, base: Any, exponent: Any) -> Any:
        if (base == 0 and exponent < 0) or (base < 0 and not self.mp.isint(exponent)):
            raise NoValueError("no real power")
        if base != 0 and abs(exponent * self.mp.log(abs(base))) > 1e8:
            raise NoValueError("too large")
        return self._real(base**exponent)

    def function(self, name: str) -> Callable[..., Any]:
        """Return a function of the grammar, by its textbook definition."""
        mp = self.mp

        def softplus(x: Any) -> Any:
            return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))

        def sigmoid(x: Any) -> Any:
            return 1 / (1 + mp.exp(-x))

        def elu(x: Any) -> Any:
            return x if x > 0 else mp.expm1(x)

        table: dict[str, Callable[..., Any]] = {
            "abs": abs,
            "Min": min,
            "Max": max,
            "Mod": lambda x, y: x - y * mp.floor(x / y),
            "softplus": softplus,
            "sigmoid": sigmoid,
            "elu": elu,
            "identity": lambda x: x,
            "relu": lambda x: max(x, mp.zero),
            "leaky_relu": lambda x: x if x > 0 else x / 100,
            "softsign": lambda x: x / (1 + abs(x)),
            "silu": lambda x: x * sigmoid(x),
            "gelu": lambda x: x * (1 + mp.erf(x / mp.sqrt(2))) / 2,
            "mish": lambda x: x * mp.tanh(softplus(x)),
            "step": lambda x: mp.mpf(x > 0),
        }
        return table.get(name) or getattr(mp, name)

    def _diff(self, arguments: tuple[Node, ...], at: Numbers) -> Any:
        body, variable = arguments[0], arguments[1]
        assert isinstance(variable, Name)
        order = int(self.value(arguments[2], at)) if len(arguments) > 2 else 1
        here, mp = at[variable.name], self.mp
        inner = _oracle(mp.dps * (order + 2))
        step = inner.mp.mpf(10) ** -(mp.dps)
        wide = {name: inner.mp.mpf(value) for name, value in at.items()}

        def around(turn: int) -> Any:
            total = inner.mp.zero
            for k in range(order + 1):
                value = inner.value(body, {**wide, variable.name: inner.mp.mpf(here) + turn * k * step})
                total += (-1) ** (order - k) * inner.mp.binomial(order, k) * value
            return total * turn**order / step**order

        left, right = around(-1), around(1)
        if abs(left - right) > 1e-20 * (1 + abs(left)):
            raise NoValueError("no derivative")
        return mp.mpf((left + right) / 2)

    def _terms(self, arguments: tuple[Node, ...], at: Numbers) -> tuple[Callable[[Any], Any], Any, Any]:
        body, variable, low, high = arguments
        assert isinstance(variable, Name)
        first, last = self.value(low, at), self.value(high, at)
        if last != self.mp.inf and (not self.mp.isint(first) or not self.mp.isint(last) or last - first > LONGEST):
            raise NoValueError("no range")
        return (lambda k: self.value(body, {**at, variable.name: self.mp.mpf(k)})), first, last

    def _sum(self, arguments: tuple[Node, ...], at: Numbers) -> Any:
        term, first, last = self._terms(arguments, at)
        if last == self.mp.inf:
            return self._settled(lambda: self._partial(term, first, self.mp.zero, lambda a, b: a + b))
        return self.mp.fsum(term(first + k) for k in range(int(last - first) + 1))

    def _product(self, arguments: tuple[Node, ...], at: Numbers) -> Any:
        term, first, last = self._terms(arguments, at)
        if last == self.mp.inf:
            return self._settled(lambda: self._partial(term, first, self.mp.one, lambda a, b: a * b))
        return self.mp.fprod(term(first + k) for k in range(int(last - first) + 1))

    @staticmethod
    def _partial(term: Callable[[Any], Any], first: Any, start: Any, join: Callable[[Any, Any], Any]) -> Iterator[Any]:
        """Yield the values with 16, 32, ... terms."""
        value = start
        for k in range(TERMS):
            value = join(value, term(first + k))
            if k + 1 in DOUBLED:
                yield value

    def _settled(self, partial: Callable[[], Iterator[Any]]) -> Any:
        """Return what partial values at doubled lengths tend to, by Richardson's extrapolation, or oo."""
        row = list(partial())
        steps = [abs(b - a) for a, b in itertools.pairwise(row)]
        if steps[-1] > self.mp.mpf(10) ** -9 and steps[-1] > 0.8 * steps[-2]:
            return self.mp.sign(row[-1]) * self.mp.inf
        if steps[-1] < steps[-2] ** 1.5:
            if steps[-1] > SMALL:
                raise NoValueError("more terms are needed")
            return row[-1]
        found = row[-1]
        for order in range(1, len(row)):
            row, before = [b + (b - a) / (2**order - 1) for a, b in itertools.pairwise(row)], found
            found = row[-1]
        if abs(found - before) > UNSETTLED * (1 + abs(found)):
            raise NoValueError("more terms are needed")
        return found

    def _limit(self, arguments: tuple[Node, ...], at: Numbers) -> Any:
        body, variable, _ = arguments
        assert isinstance(variable, Name)
        try:
            last, before = (self.value(body, {**at, variable.name: self.mp.mpf(n)}) for n in (VERY_FAR, VERY_FAR - 1))
        except NoValueError:
            last, before = (self.value(body, {**at, variable.name: self.mp.mpf(n)}) for n in (LONGEST, LONGEST - 1))
        if abs(last) > 1e6:
            return self.mp.sign(last) * self.mp.inf
        if abs(last - before) > 1e-4:
            raise NoLimitError("no limit")
        return last

    def _iterate(self, arguments: tuple[Node, ...], at: Numbers) -> Any:
        body, count, variable = arguments
        assert isinstance(variable, Name)
        times, value = self.value(count, at), at[variable.name]
        if not self.mp.isint(times) or not 0 <= times <= LONGEST:
            raise NoValueError("no number of applications")
        for _ in range(int(times)):
            value = self.value(body, {**at, variable.name: value})
        return value


@cache
def _oracle(digits: int) -> Oracle:
    return Oracle(digits)


def holds(oracle: Oracle, link: Link, at: Numbers) -> bool | None:
    """Say whether a link holds at a point; None where its conditions fail or a side has no value."""
    try:
        if not all(_condition(oracle, text, at) for text in link.where):
            return None
        lhs, rhs = (parsed(side) for side in (link.lhs, link.rhs))
        left, right = oracle.value(lhs, at), oracle.value(rhs, at)
    except NoValueError:
        return None
    except NoLimitError:
        return False
    return compared(oracle, left, link.relation, right, tolerance(lhs, rhs))


def tolerance(*sides: Node) -> float:
    """Return how far apart two equal sides may be: operators at infinity are known to few digits, 0 is exact."""
    inside = [part for side in sides for part in walk(side)]
    if any(isinstance(part, Call) and part.function == "limit" for part in inside):
        return 1e-5
    return 1e-9 if Name("oo") in inside else 0.0


def compared(oracle: Oracle, left: Any, relation: str, right: Any, within: float = 0.0) -> bool:
    """Say whether a relation holds between two numbers known to three fifths of the digits, or within a tolerance."""
    if oracle.mp.isinf(left) or oracle.mp.isinf(right):
        sign = 0 if left == right else 1 if left > right else -1
    else:
        margin = within or oracle.mp.mpf(10) ** -(3 * oracle.mp.dps // 5)
        close = abs(left - right) <= margin * (1 + abs(left) + abs(right))
        sign = 0 if close else 1 if left > right else -1
    return {
        "=": sign == 0,
        "!=": sign != 0,
        "<": sign < 0,
        "<=": sign <= 0,
        ">": sign > 0,
        ">=": sign >= 0,
    }[relation]


def _condition(oracle: Oracle, text: str, at: Numbers) -> bool:
    nodes, relations = parsed_relation(text)
    values = [oracle.value(node, at) for node in nodes]
    return all(compared(oracle, a, relation, b) for a, relation, b in zip(values, relations, values[1:], strict=False))


def points(oracle: Oracle, link: Link, seed: int = 0, count: int = POINTS) -> Iterator[dict[str, Any]]:
    """Yield points of the kinds the variables of a link may have: special values first, then random ones."""
    free = free_names(link)
    kinds = dict(link.kinds)
    rng = random.Random(seed)
    for attempt in range(count if free else 1):
        yield {name: _number(oracle, rng, kinds.get(name, frozenset()), attempt + 3 * i) for i, name in enumerate(free)}


def free_names(link: Link) -> list[str]:
    """Return the variables of a link that nothing in it binds."""
    sides = [parsed(link.lhs), parsed(link.rhs), *(node for text in link.where for node in parsed_relation(text)[0])]
    return sorted(frozenset[str]().union(*(names(side) - bound_names(side) for side in sides)))


def _number(oracle: Oracle, rng: random.Random, kind: frozenset[str], attempt: int) -> Any:
    if "integer" in kind:
        value = Fraction(attempt % 13 + 1 if "positive" in kind else attempt % 14 - 6)
    elif attempt < len(SPECIAL):
        value = SPECIAL[attempt]
    else:
        value = Fraction(rng.randint(-999, 999), rng.choice((100, 1000)))
    if "positive" in kind:
        value = abs(value) or Fraction(2)
    return oracle.mp.mpf(value.numerator) / value.denominator


def point_named(oracle: Oracle, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a point that is written as text."""
    return {name: oracle.value(parse(text), {}) for name, text in texts.items()}


def violated(oracle: Oracle, entry: Entry, *, enough: int) -> tuple[dict[str, Any] | None, int]:
    """Return a point at which a link of an entry fails, and at how many points a link held before."""
    held = 0
    for link in entry.links:
        named = [point_named(oracle, entry.point)] if entry.point else []
        for at in itertools.chain(named, points(oracle, link)):
            outcome = holds(oracle, link, at)
            if outcome is False:
                return at, held
            held += outcome is True
            if held >= enough * len(entry.links):
                break
    return None, held


def test_every_claim_labelled_true_holds_wherever_mpmath_looks() -> None:
    oracle = Oracle(80)
    for entry in entries("true"):
        point, held = violated(oracle, entry, enough=ENOUGH)
        assert point is None, (entry.line, entry.text, point)
        assert held >= (LEAST if free_names(entry.links[0]) else 1), (entry.line, entry.text)


def test_every_claim_labelled_false_fails_at_a_point_that_mpmath_finds() -> None:
    oracle = Oracle(80)
    for entry in entries("false"):
        point, _ = violated(oracle, entry, enough=POINTS)
        assert point is not None, (entry.line, entry.text)


def test_a_wrong_label_is_noticed() -> None:
    oracle = Oracle(80)
    (link,) = open_document("sqrt(x**2) = x").links
    assert violated(oracle, Entry(1, "", "", (link,), {}), enough=ENOUGH)[0] == {"x": -1}
    (link,) = open_document("diff(sin(x), x) = cos(x)").links
    assert violated(oracle, Entry(1, "", "", (link,), {}), enough=ENOUGH) == (None, ENOUGH)


def test_the_corpus_has_no_claim_twice_and_every_kind_of_false_one() -> None:
    texts = [entry.text for name in ("true", "false") for entry in entries(name)]
    assert len(texts) == len(set(texts))
    kinds = [entry.kind for entry in entries("false")]
    assert {kind: kinds.count(kind) >= 15 for kind in kinds} == dict.fromkeys(KINDS, True)
    assert min(len(entries("true")), len(kinds)) >= 160


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("diff(tanh(x), x, 2)", "-2*tanh(x)*(1 - tanh(x)**2)"),
        ("sum(1/k**2, k, 1, oo)", "pi**2/6"),
        ("product(1 - 1/k**2, k, 2, oo)", "1/2"),
        ("limit(atan(n), n, oo)", "pi/2"),
        ("sum(1/k, k, 1, oo)", "oo"),
        ("iterate(2*x + 1, 3, x)", "8*x + 7"),
    ],
)
def test_mpmath_evaluates_every_operator(text: str, value: str) -> None:
    oracle = Oracle()
    (link,) = open_document(f"{text} = {value}").links
    assert holds(oracle, link, {"x": oracle.mp.mpf(1) / 3}) is True
