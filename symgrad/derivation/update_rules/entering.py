"""What an update rule is given, read and checked: functions, unknowns, options, and where the functions have values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from symgrad.derivation.update_rules.registry import Unknowns, UpdateRule
from symgrad.errors import InputError
from symgrad.maps import Map, entered, expand_activations, expression, to_text
from symgrad.parsing import Condition, domain_conditions, parse, unparse

MOST_SOLVED = 3
_REAL_ONLY = (sympy.Abs, sympy.sign, sympy.floor, sympy.Max, sympy.Min, sympy.Mod)


@dataclass(frozen=True)
class Problem:
    """Functions of unknowns, in the symbols of the alphabet.

    Parameters
    ----------
    functions : the functions as they were read
    unknowns : the symbols that move
    domain : "real" or "complex"
    divisors : expressions that may not be 0 for the functions to have values, also those SymPy cancels, as in x/x
    conditions : what else the functions need of their parts, as sentences
    """

    functions: tuple[Expr, ...]
    unknowns: tuple[Symbol, ...]
    domain: str
    divisors: tuple[Expr, ...]
    conditions: tuple[str, ...]


def _listed(given: Any, separator: str) -> list[Any]:
    if isinstance(given, str):
        return [part.strip() for part in given.split(separator)]
    return list(given) if isinstance(given, Sequence | sympy.Tuple) else [given]


def _facts(text: str, domain: str) -> tuple[list[Expr], list[str]]:
    """Return what may not be 0 in a text, and the other conditions it sets, as sentences."""
    divisors, sentences = [], []
    for node, condition in domain_conditions(parse(text)):
        if condition is Condition.NONZERO:
            divisors.append(expression(node, domain))
        elif domain == "real" and not _plain(expression(node, domain), condition):
            sentences.append(f"{unparse(node)} {condition.value}")
    return divisors, sentences


def without_value_at_zero(text: str, domain: str) -> tuple[Expr, ...]:
    """Return the parts of a text at whose zeros it has no value: divisors and arguments of logarithms.

    >>> without_value_at_zero("log(x) + 1/(a - x)", "real")
    (x, a - x)
    """
    bad = (Condition.NONZERO, Condition.POSITIVE)
    return tuple(expression(node, domain) for node, condition in domain_conditions(parse(text)) if condition in bad)


def _plain(expr: Expr, condition: Condition) -> bool:
    return bool(condition is Condition.NONNEGATIVE and expr.is_nonnegative)


def read_problem(F: Any, variables: Any, domain: str) -> Problem:
    """Read functions and unknowns, refusing an unknown that does not occur.

    >>> read_problem("x/x*(x - a)", "x", "real").divisors
    (x,)
    """
    names, given = _listed(variables, ","), _listed(F, ";")
    if not given or not names:
        raise InputError("an update rule needs a function and an unknown; give e.g. update('newton', 'x**2 - a', 'x')")
    symbols = Map([0] * len(names), names, domain=domain).state
    functions, divisors, conditions = [], [], []
    for each in given:
        read = Map([each, *[0] * (len(symbols) - 1)], symbols, domain=domain).exprs[0]
        zeros, sentences = _facts(each if isinstance(each, str) else to_text(read), domain)
        functions.append(read)
        divisors += zeros
        conditions += sentences
    for symbol in symbols:
        if not any(symbol in f.free_symbols for f in functions):
            what = to_text(functions[0]) if len(functions) == 1 else "none of the functions"
            verb = "does not depend" if len(functions) == 1 else "depends"
            raise InputError(f"{what[:60]} {verb} on {symbol.name!r}; name a variable that occurs in it")
    if domain == "complex" and any(expand_activations(f).has(*_REAL_ONLY) for f in functions):
        raise InputError(
            "abs, sign, floor, Min, Max, Mod and what is made of them, such as relu, have no complex derivative; "
            "use domain='real'"
        )
    return Problem(tuple(functions), symbols, domain, tuple(dict.fromkeys(divisors)), tuple(dict.fromkeys(conditions)))


def check_counts(rule: UpdateRule, problem: Problem) -> None:
    """Refuse a problem with another number of functions or unknowns than the rule takes.

    Raises
    ------
    InputError : the message names what the rule takes
    """
    many, d = len(problem.functions), len(problem.unknowns)
    fits = {
        Unknowns.ONE: many == d == 1,
        Unknowns.ONE_FUNCTION: many == 1,
        Unknowns.ONE_FUNCTION_SOLVED: many == 1 and d <= MOST_SOLVED,
        Unknowns.SQUARE: many == d <= MOST_SOLVED,
        Unknowns.AT_LEAST_SQUARE: many >= d and d <= MOST_SOLVED,
    }
    if not fits[rule.unknowns]:
        instead = "; for systems use newton_system or gauss_newton" if rule.unknowns is Unknowns.ONE else ""
        raise InputError(
            f"the rule {rule.name} takes {rule.unknowns.value}; functions given: {many}, unknowns: {d}{instead}"
        )


def read_options(rule: UpdateRule, problem: Problem, options: Mapping[str, Any]) -> dict[str, Expr]:
    """Read the options of a rule, those not given by their defaults.

    Raises
    ------
    InputError : an option the rule does not have, a value out of its range, a value that contains an unknown
    """
    for name in options:
        if name not in rule.options:
            known = ", ".join(rule.options) or "none"
            raise InputError(f"the rule {rule.name} has no option {name!r}; it has {known}")
    taken = set(rule.state(problem.unknowns))
    if moving := {s for f in problem.functions for s in f.free_symbols} & (taken - set(problem.unknowns)):
        raise InputError(f"{moving.pop()} is the name of a velocity; give that parameter another name")
    values = {}
    for name in rule.options:
        value = entered(options.get(name, rule.defaults[name]), problem.domain)
        value = value.xreplace({s: _like(problem, s) for s in value.free_symbols})
        if moving := value.free_symbols & taken:
            raise InputError(f"the option {name} = {value} contains the unknown {moving.pop()}; give it another name")
        _check_range(name, value)
        values[name] = value
    return values


def read_multiplicity(multiplicity: Any, problem: Problem) -> Expr:
    """Read the multiplicity of a root: a positive integer or a symbol."""
    value = entered(multiplicity, problem.domain)
    _check_range("m", value)
    if value.free_symbols & set(problem.unknowns):
        raise InputError(f"the multiplicity {value} contains an unknown; give a number or another name")
    return value


def _like(problem: Problem, symbol: Any) -> Any:
    return Symbol(symbol.name, real=True) if problem.domain == "real" else Symbol(symbol.name)


def _check_range(name: str, value: Expr) -> None:
    if not value.is_number:
        return
    if name in ("h", "eta") and not value.is_positive:
        raise InputError(f"the step {name} must be a positive number, got {value}; give e.g. 1/2")
    if name == "beta" and not (value.is_nonnegative and (1 - value).is_positive):
        raise InputError(f"the momentum beta must be at least 0 and below 1, got {value}; give e.g. 9/10")
    if name == "m" and not (value.is_Integer and value.is_positive):
        raise InputError(f"the multiplicity m must be a positive integer, got {value}; give e.g. 2")
