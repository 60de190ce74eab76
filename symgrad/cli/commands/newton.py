"""``symgrad newton``: Newton's step of a function, of a system or of a whole composition, and where it leads."""

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from symgrad.cli import newton_answers, problems, values
from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command, Operand, Option, one_of, positive_whole_number
from symgrad.errors import InputError

FUNCTION = Operand(
    "EXPR", 'a function, e.g. "x**3-2*x+2"; residuals of a system separated by ; or layers separated by |'
)
VARIABLE = Option("--variable", "x[,y…]", "the unknowns (default x)", values.names)
TARGET = Option("--target", "Y", "the value to reach: F(x) = Y (default 0 for a function)")
DOMAIN = Option("--domain", "real|complex", "the numbers the unknown ranges over", one_of("real", "complex"), "real")
START = Option(
    "--start", "V[,V…]", "where the steps start; with --domain complex real and imaginary part", values.numbers
)
STEPS = Option("--steps", "N", "how many steps are made at most (default 100)", positive_whole_number, 100)
PERIOD = Option("--period", "P", "the longest period of cycles, 1 to 5 (default 5)", positive_whole_number, 5)
RULE = Option("--rule", "NAME", "for systems: newton or gauss_newton", one_of("newton", "gauss_newton"), "newton")
FIGURE = Option("--figure", "FILE.svg|.png", "also draw the steps, or with --domain complex the basins", Path)
LONGEST = 5


def newton(arguments: argparse.Namespace) -> Answer:
    """Answer with the update, its derivative, its roots and cycles, and what becomes of a start."""
    problems.extend(arguments.extend)
    (text,) = arguments.operands
    if arguments.variable is None and (arguments.state is not None or arguments.depth is not None or "|" in text):
        return _composition(arguments)
    for flag, name in (("--wrt", "wrt"), ("--loss", "loss"), ("--untied", "untied")):
        if getattr(arguments, name):
            raise InputError(f"{flag} belongs to a composition; give --state and --depth, or leave it out")
    if arguments.figure is not None:
        from symgrad.report import check_picture_file

        check_picture_file(arguments.figure)
    variables = arguments.variable or ("x",)
    if len(variables) > 1 or ";" in text:
        return newton_answers.system(_system(arguments, variables))
    return newton_answers.function(_function(arguments, variables[0]))


def _settings(arguments: argparse.Namespace) -> dict[str, Fraction | Any]:
    """Return the exact value of each parameter."""
    given = values.once(arguments.set, "--set")
    for name, value in given.items():
        if isinstance(value, tuple):
            raise InputError(f"{name} was given {len(value)} values; give one number")
    return dict(given)


def _bound(text: str, arguments: argparse.Namespace, variables: Sequence[str]) -> list[Any]:
    """Return the functions of a text with the given values and the target in them."""
    from symgrad.maps import expression
    from symgrad.parsing import parse_layers
    from symgrad.symbols import real

    layers = parse_layers(text)
    if len(layers) > 1:
        raise InputError("layers separated by | are a composition; leave --variable out and give --state and --depth")
    functions = [expression(node) for node in layers[0]]
    given = _settings(arguments)
    names = {s.name for f in functions for s in f.free_symbols}
    for name in given:
        if name in variables:
            raise InputError(f"{name} is an unknown; give its first value with --start")
        if name not in names:
            listed = ", ".join(sorted(names - set(variables))) or "none"
            raise InputError(f"--set names {name}, which does not occur; the parameters are {listed}")
    if arguments.target is not None:
        goal = expression(arguments.target)
        functions = [f - goal for f in functions]
    known = {real(name): _sympy(value) for name, value in given.items()}
    return [f.xreplace(known) for f in functions]


def _sympy(value: Any) -> Any:
    from sympy import Rational

    exact = values.exact(value)
    return Rational(exact) if isinstance(exact, Fraction) else exact


def _function(arguments: argparse.Namespace, variable: str) -> newton_answers.FunctionQuestion:
    (text,) = arguments.operands
    (function,) = _bound(text, arguments, (variable,))
    if arguments.period > LONGEST:
        raise InputError(f"period {arguments.period} is out of reach; give a period from 1 to {LONGEST}")
    return newton_answers.FunctionQuestion(
        function, variable, arguments.domain, _start(arguments), arguments.steps, arguments.period, arguments.figure
    )


def _start(arguments: argparse.Namespace) -> Any:
    """Return the start: a real number, or a complex one from two numbers."""
    if arguments.start is None:
        return None
    numbers = [values.exact(v) for v in arguments.start]
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) == 2:
        return complex(*map(float, numbers))
    raise InputError(f"--start has {len(numbers)} numbers for one unknown; give one, or real and imaginary part")


def _system(arguments: argparse.Namespace, variables: Sequence[str]) -> newton_answers.SystemQuestion:
    (text,) = arguments.operands
    functions = _bound(text, arguments, variables)
    if arguments.domain == "complex":
        raise InputError("systems are solved over the real numbers; leave --domain out")
    start = arguments.start
    if start is not None and len(start) != len(variables):
        raise InputError(f"--start has {len(start)} numbers for {len(variables)} unknowns; give one for each")
    numbers = None if start is None else tuple(values.exact(v) for v in start)
    return newton_answers.SystemQuestion(tuple(functions), tuple(variables), numbers, arguments.steps, arguments.rule)


def _composition(arguments: argparse.Namespace) -> Answer:
    problem = problems.read_problem(arguments, default_depth="n")
    if len(problem.state) != 1:
        raise InputError(f"Newton's step of a composition needs one component, got {len(problem.state)}; use one state")
    in_parameter = bool(problem.wrt or problem.loss)
    if in_parameter and (problem.loss is None or len(problem.wrt) != 1):
        raise InputError(
            'a minimum in a parameter needs --loss and one name in --wrt; give e.g. --wrt b --loss "(x-1)**2"'
        )
    if in_parameter and arguments.target is not None:
        raise InputError("--target asks for roots in the input, --loss for a minimum in a parameter; give one of them")
    if not in_parameter and arguments.target is None:
        raise InputError("newton of a composition needs the value to reach; give e.g. --target y or --target 0.1")
    return newton_answers.composition(problem, arguments.target)


COMMAND = Command(
    name="newton",
    summary="derive Newton's step of a function, a system or a composition: update, roots, cycles, fate of a start",
    options=(
        VARIABLE,
        problems.STATE,
        problems.SYMBOLIC_DEPTH,
        problems.UNTIED,
        TARGET,
        problems.WRT,
        problems.LOSS,
        problems.SET,
        DOMAIN,
        START,
        STEPS,
        PERIOD,
        RULE,
        FIGURE,
        problems.EXTEND,
    ),
    run=newton,
    operand=FUNCTION,
    example='symgrad newton "x**3-2*x+2" --variable x --start 0.1 --steps 20',
)
