"""What a claim says: sides, relations, conditions, and where its text is defined."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from symgrad.claims.conditions import RELATIONS, Comparison, Requirement
from symgrad.claims.operations import Operation
from symgrad.claims.reader import Reader, without_layers
from symgrad.errors import InputError
from symgrad.maps import to_text
from symgrad.parsing import Node, parse, parse_relation, unparse

__all__ = [
    "RELATIONS",
    "Comparison",
    "Requirement",
    "Statement",
    "read_conditions",
    "read_statement",
    "split_commas",
    "state_comparison",
]


@dataclass(frozen=True)
class Statement:
    """A chain of comparisons with the conditions they are claimed under, and those their text needs."""

    text: str
    links: tuple[Comparison, ...]
    where: tuple[Comparison, ...]
    requirements: tuple[Requirement, ...]
    operations: tuple[Operation, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def domain(self) -> tuple[str, ...]:
        """The conditions as text: those of the claim first, then those under which it has a value."""
        return tuple(dict.fromkeys([*(c.text for c in self.where), *(r.text for r in self.requirements), *self.notes]))


def read_statement(text: str, where: Iterable[Any], symbols: Mapping[str, Symbol]) -> Statement:
    """Read ``"a = b <= c where x > 0, y != 1"``, with further conditions."""
    claim, *suffix = re.split(r"\bwhere\b", text)
    if len(suffix) > 1:
        raise InputError(
            f"'where' occurs {len(suffix)} times in the claim; write it once, conditions separated by commas"
        )
    reader = Reader(symbols)
    nodes, relations = parse_relation(claim)
    reader.declare_counts(nodes)
    declared = dict(reader.symbols)
    conditions = [part for condition in suffix for part in split_commas(condition)]
    links, requirements = reader.comparisons(nodes, relations), reader.requirements(nodes)
    operations = tuple(reader.operations.values())
    notes = tuple(
        note
        for note in reader.notes
        if any(note.split()[0] in {s.name for s in o.free_symbols} or note.startswith("every") for o in operations)
    )
    return Statement(
        text.strip(), links, read_conditions([*conditions, *where], declared), requirements, operations, notes
    )


def read_conditions(where: Iterable[Any], symbols: Mapping[str, Symbol]) -> tuple[Comparison, ...]:
    """Read conditions given as text or as (lhs, relation, rhs)."""
    reader = Reader(symbols)
    found: list[Comparison] = []
    for condition in where:
        if isinstance(condition, str):
            found += reader.comparisons(*parse_relation(condition))
            if reader.operations:
                raise InputError(f"a condition has no limit, sum, product or iterate, got {condition.strip()}")
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
    reader = Reader({**own, **symbols})
    exprs, texts, nodes = [], [], []
    trees = [parse(side) if isinstance(side, str) else None for side in sides]
    reader.declare_counts(tree for tree in trees if tree is not None)
    declared = dict(reader.symbols)
    for side, node in zip(sides, trees, strict=True):
        expr = reader.expression(node) if node else without_layers(_exact(side))
        node = node or _written_out(expr)
        exprs.append(expr)
        texts.append(unparse(node) if node else type(expr).__name__)
        nodes += [node] if node else []
    relation = "=" if relation == "==" else relation
    text = f"{texts[0]} {relation} {texts[1]}"
    link = Comparison(exprs[0], relation, exprs[1], text)
    requirements = reader.requirements(nodes)
    return Statement(
        text,
        (link,),
        read_conditions(where, declared),
        requirements,
        tuple(reader.operations.values()),
        tuple(reader.notes),
    )


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
