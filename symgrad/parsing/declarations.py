"""The ``let`` lines of a file: kinds of variables, and functions with their definitions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from symgrad.errors import InputError, input_error_at
from symgrad.parsing.assumptions import KINDS, kind_sentence, read_kind
from symgrad.parsing.definitions import Definition, inlined
from symgrad.parsing.reading import parse_tokens, split_tokens
from symgrad.parsing.refusals import refusal
from symgrad.parsing.signatures import Arity, check_calls
from symgrad.parsing.tokens import Token, tokenize
from symgrad.parsing.tree import Call, Indexed, Name, Node, walk
from symgrad.parsing.values import variable_name

RESERVED = frozenset({"let", "where"})


@dataclass
class Declarations:
    """What the lines read so far declare.

    Parameters
    ----------
    known : the functions and operators that may occur beside those of the grammar
    definitions : name → definition
    kinds : name → (assumptions, line)
    unreadable : names whose declaration cannot be used → its line; nothing that uses them is examined
    used : names that claims have used → the first line
    """

    known: Mapping[str, Arity]
    definitions: dict[str, Definition] = field(default_factory=dict)
    kinds: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)

    def read(self, line: int, code: str) -> None:
        """Read ``let a, b: kind`` or ``let f(x) = …``; what cannot be read is remembered, and refused."""
        start = code.index("let") + 3
        equals, colon = code.find("=", start), code.find(":", start)
        if colon >= 0 and (equals < 0 or colon < equals):
            self._declare(line, code, start, colon)
        elif equals >= 0:
            self._define(line, code, start, equals)
        else:
            self._mark_unreadable(code[start:], line)
            raise refusal(
                code,
                column=start + 1,
                problem="this declares nothing",
                remedy="write let a, b: real or let f(x) = tanh(x)",
            )

    def _declare(self, line: int, code: str, start: int, colon: int) -> None:
        given = tokenize(code, start=start, stop=colon)
        try:
            kind = read_kind(code[colon + 1 :], colon + 2)
            words = [
                (variable_name(part, code, part[0].column if part else column), part[0].column)
                for part, column in split_tokens(given, ",", column=start + 1)
            ]
        except InputError:
            self._mark_unreadable(code[start:colon], line)
            raise
        for name, column in words:
            self._check_new(name, column, code)
            if name in self.kinds:
                before, place = self.kinds[name]
                if before != kind:
                    self.unreadable[name] = line
                raise refusal(
                    code,
                    column=column,
                    problem=f"{name!r} is declared already, {kind_sentence(name, before)} on line {place}",
                    remedy="declare every name once",
                )
            if name in self.used and kind != KINDS["real"]:
                self.unreadable[name] = line
                raise refusal(
                    code,
                    column=column,
                    problem=f"{name!r} was taken as real on line {self.used[name]}, before this declaration",
                    remedy="move the let above that line",
                )
            self.kinds[name] = (kind, line)

    def _define(self, line: int, code: str, start: int, equals: int) -> None:
        head = tokenize(code, start=start, stop=equals)
        try:
            name, parameters = self._head(head, code, start)
            if name in self.definitions:
                problem = f"{name!r} is defined already, on line {self.definitions[name].line}"
                raise refusal(code, column=head[0].column, problem=problem, remedy="use another name")
            body = parse_tokens(tokenize(code, start=equals + 1), code, column=equals + 2)
            layered = next((p for p in walk(body) if isinstance(p, Indexed) and p.name in parameters), None)
            if layered is not None:
                problem = f"the parameter {layered.name!r} is used as {layered.name}[k]"
                raise refusal(code, column=layered.column, problem=problem, remedy="use another name")
            own = next((part for part in walk(body) if name in _function_names(part)), None)
            if own is not None:
                problem = f"{name!r} is used in its own definition"
                raise refusal(code, column=own.column, problem=problem, remedy="write what it is without itself")
            body = self.checked(body, parameters=parameters)
        except InputError:
            self._mark_unreadable(code[start:equals], line)
            raise
        self.definitions[name] = Definition(name, parameters, body, line)

    def _head(self, head: tuple[Token, ...], code: str, start: int) -> tuple[str, tuple[str, ...]]:
        """Return the name and the parameters of ``f(x, y)``."""
        if len(head) < 4 or head[1].text != "(" or head[-1].text != ")":
            raise refusal(
                code,
                column=head[0].column if head else start + 2,
                problem="a function is needed here",
                remedy="write e.g. let f(x) = tanh(w*x)",
            )
        name = variable_name(head[:1], code, start + 1)
        self._check_new(name, head[0].column, code)
        parts = split_tokens(head[2:-1], ",", column=head[1].column + 1)
        parameters = tuple(variable_name(part, code, column) for part, column in parts)
        for place, parameter in enumerate(parameters):
            if parameter in parameters[:place] or parameter in self.known:
                problem = f"{parameter!r} cannot be a parameter here: it is given twice, or is a function"
                raise refusal(code, column=head[0].column, problem=problem, remedy="use another name")
        return name, parameters

    def _check_new(self, name: str, column: int, code: str) -> None:
        if name in self.known or name in RESERVED:
            word = "a word of the format" if name in RESERVED else "a function that symgrad knows"
            raise refusal(code, column=column, problem=f"{name!r} is {word}", remedy="use another name")

    def _mark_unreadable(self, text: str, line: int) -> None:
        """Remember the names a line was to declare, so that no claim is examined under a wrong assumption."""
        head = re.match(r"\s*(\w+)\s*\(", text)
        found = [head[1]] if head else re.findall(r"[^\W\d]\w*", text)
        self.unreadable |= {name: line for name in found if name not in self.definitions and name not in self.known}

    def checked(self, node: Node, *, parameters: tuple[str, ...] = ()) -> Node:
        """Return a tree with its calls checked and its definitions in place."""
        for part in walk(node):
            found = sorted(_named(part) & self.unreadable.keys() - set(parameters))
            if found:
                raise input_error_at(
                    part.column,
                    f"not examined: line {self.unreadable[found[0]]}, which says what {found[0]} is, cannot be used "
                    f"(column {part.column}); mend that line",
                )
        arities = {**self.known, **{name: (len(d.parameters),) for name, d in self.definitions.items()}}
        check_calls(node, arities, takes_function=("iterate",))
        return inlined(node, self.definitions, parameters=parameters)


def _function_names(node: Node) -> frozenset[str]:
    """Return the functions a node itself names: the one it calls, and the one that ``iterate`` is given."""
    if not isinstance(node, Call):
        return frozenset()
    given = node.arguments[0] if node.function == "iterate" else None
    return frozenset({node.function, *([given.name] if isinstance(given, Name) else [])})


def _named(node: Node) -> frozenset[str]:
    """Return the names a node itself holds, of variables and of functions."""
    own = frozenset({node.name}) if isinstance(node, Name | Indexed) else frozenset[str]()
    return own | _function_names(node)
