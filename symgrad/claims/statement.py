"""What a claim says: sides, relations, conditions, and where its text is defined."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import sympy
from sympy import Expr, Indexed, S, Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.derivation.identities.proofs import sign_proof
from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS, differentiate, functions, to_text
from symgrad.parsing import (
    Call,
    Condition,
    Name,
    Node,
    domain_conditions,
    names,
    parse,
    parse_relation,
    to_sympy,
    unparse,
    walk,
)
from symgrad.symbols import real

RELATIONS = ("=", "!=", "<", "<=", ">", ">=")
MAX_ORDER = 12


@dataclass(frozen=True)
class Comparison:
    """One relation between two expressions; ``text`` is how it was written."""

    lhs: Expr
    relation: str
    rhs: Expr
    text: str

    @property
    def difference(self) -> Expr:
        """The expression whose sign decides: lhs - rhs, turned around for < and <=."""
        return self.rhs - self.lhs if self.relation in ("<", "<=") else self.lhs - self.rhs

    def holds(self, point: Mapping[Symbol, Any]) -> bool | None:
        """Say whether the relation holds at a point, None where the balls do not tell."""
        sign = _sign_at(self.difference, point)
        if sign is None:
            return None
        return {"=": sign == 0, "!=": sign != 0, "<": sign > 0, ">": sign > 0}.get(self.relation, sign >= 0)


@dataclass(frozen=True)
class Requirement:
    """A condition under which the text of a claim has a value."""

    subject: Expr
    condition: Condition
    text: str

    def holds(self, point: Mapping[Symbol, Any]) -> bool | None:
        """Say whether the condition holds at a point, None where the balls do not tell."""
        if self.condition is Condition.REAL_POWER:
            try:
                return enclose(self.subject, point, bits=192).is_known or None
            except UndefinedHere:
                return False
        signs = [_sign_at(part, point) for part in _must_be_positive(self.subject, self.condition)]
        if self.condition is Condition.NONZERO:
            return None if signs[0] is None else signs[0] != 0
        lowest = 1 if self.condition in (Condition.POSITIVE, Condition.INSIDE_ONE) else 0
        return None if None in signs else all(sign is not None and sign >= lowest for sign in signs)

    @property
    def is_always_met(self) -> bool:
        """Whether the condition provably holds everywhere."""
        if self.condition is Condition.REAL_POWER:
            base, exponent = self.subject.as_base_exp()
            return bool(exponent.is_integer and exponent.is_nonnegative) or sign_proof(base, strict=True) is not None
        if self.condition is Condition.NONZERO and sign_proof(-self.subject, strict=True):
            return True
        strict = self.condition in (Condition.POSITIVE, Condition.INSIDE_ONE, Condition.NONZERO)
        return all(sign_proof(part, strict=strict) for part in _must_be_positive(self.subject, self.condition))


def _must_be_positive(subject: Expr, condition: Condition) -> tuple[Expr, ...]:
    """Return the expressions whose signs decide a condition."""
    if condition in (Condition.WITHIN_ONE, Condition.INSIDE_ONE):
        return (1 - subject, 1 + subject)
    return (subject - 1,) if condition is Condition.AT_LEAST_ONE else (subject,)


def _sign_at(expr: Expr, point: Mapping[Symbol, Any]) -> int | None:
    for bits in (64, 576):
        try:
            sign = enclose(expr, point, bits=bits).sign
        except UndefinedHere:
            return None
        if sign is not None:
            return sign
    return None


@dataclass(frozen=True)
class Statement:
    """A chain of comparisons with the conditions they are claimed under, and those their text needs."""

    text: str
    links: tuple[Comparison, ...]
    where: tuple[Comparison, ...]
    requirements: tuple[Requirement, ...]

    @property
    def domain(self) -> tuple[str, ...]:
        """The conditions as text: those of the claim first, then those under which it has a value."""
        return tuple(dict.fromkeys([c.text for c in self.where] + [r.text for r in self.requirements]))


class _Reader:
    """Turns nodes into expressions with one meaning for each name; ``w[k]`` becomes one real symbol of that name."""

    def __init__(self, symbols: Mapping[str, Symbol]) -> None:
        self.symbols = dict(symbols)
        self.functions: dict[str, Callable[..., Expr]] = {**functions(), "diff": _derivative}

    def symbol(self, name: str) -> Symbol:
        return self.symbols.get(name) or real(name)

    def expression(self, node: Node) -> Expr:
        return without_layers(to_sympy(node, functions=self.functions, symbol=self.symbol))

    def comparisons(self, nodes: tuple[Node, ...], relations: tuple[str, ...]) -> tuple[Comparison, ...]:
        sides = [self.expression(node) for node in nodes]
        texts = [unparse(node) for node in nodes]
        return tuple(
            Comparison(sides[i], relation, sides[i + 1], f"{texts[i]} {relation} {texts[i + 1]}")
            for i, relation in enumerate(relations)
        )

    def requirements(self, nodes: Iterable[Node]) -> tuple[Requirement, ...]:
        found: dict[str, Requirement] = {}
        for node in nodes:
            for part, condition in (*domain_conditions(node), *_kinks(node)):
                subject = self.expression(part)
                requirement = Requirement(subject, condition, _sentence(unparse(part), condition))
                if requirement.text not in found and not requirement.is_always_met:
                    found[requirement.text] = requirement
        return tuple(found.values())


def without_layers(expr: Expr) -> Expr:
    """Replace every indexed symbol ``w[k]`` by a real symbol of that name."""
    return expr.xreplace({layer: real(str(layer)) for layer in expr.atoms(Indexed)})


def _derivative(expr: Expr, variable: Expr, order: Expr = S.One) -> Expr:
    """Return the derivative almost everywhere, as ``diff(e, x, order)`` writes it."""
    if not variable.is_Symbol:
        raise InputError(f"diff needs a variable as its second argument, got {variable}; write e.g. diff(x**2, x)")
    if not (order.is_Integer and 0 <= order <= MAX_ORDER):
        raise InputError(f"diff needs an order from 0 to {MAX_ORDER}, got {order}; write e.g. diff(x**4, x, 2)")
    for _ in range(int(order)):
        expr = differentiate(expr, variable)
    return expr


def _kinks(node: Node) -> Iterable[tuple[Node, Condition]]:
    """Yield what must not be 0 for the derivatives in a tree to exist in the plain sense."""
    for derivative in walk(node):
        if not (isinstance(derivative, Call) and derivative.function == "diff" and len(derivative.arguments) > 1):
            continue
        variable = derivative.arguments[1]
        for part in walk(derivative.arguments[0]):
            if not isinstance(part, Call) or not isinstance(variable, Name) or variable.name not in names(part):
                continue
            yield from ((place, Condition.NONZERO) for place in _kink_places(part))


def _kink_places(call: Call) -> Iterable[Node]:
    """Yield what is 0 exactly where one function has a kink or a jump, or a square root its vertical tangent."""
    row = ACTIVATIONS.get(call.function)
    inner = [unparse(argument) for argument in call.arguments]
    if call.function in ("abs", "sign", "sqrt") or (row and row.kinks):
        yield call.arguments[0]
    elif call.function in ("floor", "Mod"):
        yield parse(f"sin(pi*({')/('.join(inner)}))")
    elif call.function in ("Min", "Max"):
        yield from (parse(f"({one}) - ({other})") for one, other in combinations(inner, 2))


_SENTENCES = {
    Condition.NONZERO: "{} != 0",
    Condition.POSITIVE: "{} > 0",
    Condition.NONNEGATIVE: "{} >= 0",
    Condition.WITHIN_ONE: "-1 <= {} <= 1",
    Condition.INSIDE_ONE: "-1 < {} < 1",
    Condition.AT_LEAST_ONE: "{} >= 1",
    Condition.REAL_POWER: "{} is real",
}


def _sentence(subject: str, condition: Condition) -> str:
    return _SENTENCES[condition].format(subject)


def read_statement(text: str, where: Iterable[Any], symbols: Mapping[str, Symbol]) -> Statement:
    """Read ``"a = b <= c where x > 0, y != 1"``, with further conditions."""
    claim, *suffix = re.split(r"\bwhere\b", text)
    if len(suffix) > 1:
        raise InputError(
            f"'where' occurs {len(suffix)} times in the claim; write it once, conditions separated by commas"
        )
    reader = _Reader(symbols)
    nodes, relations = parse_relation(claim)
    conditions = [part for condition in suffix for part in split_commas(condition)]
    return Statement(
        text.strip(),
        reader.comparisons(nodes, relations),
        read_conditions([*conditions, *where], reader.symbols),
        reader.requirements(nodes),
    )


def read_conditions(where: Iterable[Any], symbols: Mapping[str, Symbol]) -> tuple[Comparison, ...]:
    """Read conditions given as text or as (lhs, relation, rhs)."""
    reader = _Reader(symbols)
    found: list[Comparison] = []
    for condition in where:
        if isinstance(condition, str):
            found += reader.comparisons(*parse_relation(condition))
        else:
            lhs, relation, rhs = condition
            found += state_comparison(lhs, relation, rhs, where=(), symbols=symbols).links
    return tuple(found)


def state_comparison(
    lhs: Any, relation: str, rhs: Any, *, where: Iterable[Any], symbols: Mapping[str, Symbol]
) -> Statement:
    """Make the statement of two sides, each an expression, a number or text."""
    if relation not in (*RELATIONS, "=="):
        raise InputError(f"the relation must be one of {' '.join(RELATIONS)}, got {relation!r}")
    sides = [lhs, rhs]
    own = {s.name: s for side in sides if isinstance(side, Expr) for s in side.free_symbols if isinstance(s, Symbol)}
    reader = _Reader({**own, **symbols})
    exprs, texts, nodes = [], [], []
    for side in sides:
        node = parse(side) if isinstance(side, str) else None
        expr = reader.expression(node) if node else without_layers(_exact(side))
        node = node or _written_out(expr)
        exprs.append(expr)
        texts.append(unparse(node) if node else type(expr).__name__)
        nodes += [node] if node else []
    relation = "=" if relation == "==" else relation
    text = f"{texts[0]} {relation} {texts[1]}"
    link = Comparison(exprs[0], relation, exprs[1], text)
    return Statement(text, (link,), read_conditions(where, reader.symbols), reader.requirements(nodes))


def _exact(side: Any) -> Expr:
    value = sympy.sympify(side, strict=True) if isinstance(side, int | Expr) or hasattr(side, "numerator") else side
    if not isinstance(value, Expr):
        raise InputError(
            f"a side must be text or an expression, got {type(side).__name__}; a SymPy relation evaluates itself away, "
            'so give lhs, "=", rhs'
        )
    return value


def _written_out(expr: Expr) -> Node | None:
    """Return the tree of an expression's text, or None where it has no place in the grammar."""
    try:
        return parse(to_text(expr))
    except (InputError, OverflowError):
        return None


def split_commas(text: str) -> list[str]:
    """Split at the commas outside of all brackets.

    >>> split_commas("x > Min(1, 2), y != 0")
    ['x > Min(1, 2)', ' y != 0']
    """
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
