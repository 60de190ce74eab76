"""Text to a validated tree, and from there to SymPy: the only way in for any string.

Nothing here loads SymPy until ``to_sympy``, ``to_exact``, ``to_float`` or ``GRAMMAR_FUNCTIONS`` is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symgrad.parsing.limits import Limits
from symgrad.parsing.magnitudes import enclosing_interval, exact_value
from symgrad.parsing.printing import unparse
from symgrad.parsing.reading import parse, parse_layers, parse_relation
from symgrad.parsing.refusals import shorten
from symgrad.parsing.signatures import GRAMMAR_ARITIES, Arity, check_calls
from symgrad.parsing.slices import LayerRange, Slice, check_layers, parse_slice, uncovered
from symgrad.parsing.tree import (
    CONSTANTS,
    Call,
    Indexed,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Reciprocal,
    Sum,
    calls,
    indexed_names,
    names,
    walk,
)
from symgrad.parsing.values import (
    Constant,
    parse_assignment,
    parse_axis,
    parse_constant,
    parse_names,
    parse_number,
    parse_point,
    parse_values,
    read_numbers,
)

MODULE_OF = {
    name: module
    for module, listed in {
        "assumptions": "kind_sentence",
        "conversion": "GRAMMAR_FUNCTIONS to_exact to_float to_sympy",
        "documents": "Document Link Problem read_document",
        "domains": "Condition denominators domain_conditions",
        "fences": "NOTE claim_lines",
    }.items()
    for name in listed.split()
}

if TYPE_CHECKING:
    from symgrad.parsing.assumptions import kind_sentence
    from symgrad.parsing.conversion import GRAMMAR_FUNCTIONS, to_exact, to_float, to_sympy
    from symgrad.parsing.documents import Document, Link, Problem, read_document
    from symgrad.parsing.domains import Condition, denominators, domain_conditions
    from symgrad.parsing.fences import NOTE, claim_lines

__all__ = [
    "CONSTANTS",
    "GRAMMAR_ARITIES",
    "GRAMMAR_FUNCTIONS",
    "NOTE",
    "Arity",
    "Call",
    "Condition",
    "Constant",
    "Document",
    "Indexed",
    "LayerRange",
    "Limits",
    "Link",
    "Name",
    "Negative",
    "Node",
    "Number",
    "Power",
    "Problem",
    "Product",
    "Reciprocal",
    "Slice",
    "Sum",
    "calls",
    "check_calls",
    "check_layers",
    "claim_lines",
    "denominators",
    "domain_conditions",
    "enclosing_interval",
    "exact_value",
    "indexed_names",
    "kind_sentence",
    "names",
    "parse",
    "parse_assignment",
    "parse_axis",
    "parse_constant",
    "parse_layers",
    "parse_names",
    "parse_number",
    "parse_point",
    "parse_relation",
    "parse_slice",
    "parse_values",
    "read_document",
    "read_numbers",
    "shorten",
    "to_exact",
    "to_float",
    "to_sympy",
    "uncovered",
    "unparse",
    "walk",
]


def __getattr__(name: str) -> Any:
    """Load what only some commands need, files of claims and SymPy, on first use (PEP 562)."""
    if name not in MODULE_OF:
        raise AttributeError(f"symgrad.parsing has no {name!r}")
    value = getattr(import_module(f"symgrad.parsing.{MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
