"""Text to tree: every atom is renamed, Python's own grammar arranges them, and a whitelist reads the result.

Numbers and names are replaced by neutral identifiers before :func:`ast.parse` sees the text, so Python's keywords are
ordinary names, Python never reads a number, and precedence is Python's by construction.
"""

import ast
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from symgrad.errors import InputError
from symgrad.parsing.arrangement import check_arrangement
from symgrad.parsing.limits import STANDARD, Limits
from symgrad.parsing.magnitudes import check_magnitudes
from symgrad.parsing.refusals import refusal
from symgrad.parsing.tokens import Kind, Token, tokenize
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
    indexed_names,
    walk,
)


def parse(text: str, *, limit: Limits = STANDARD) -> Node:
    """Return the validated tree of one expression; nothing in it is ever executed.

    Parameters
    ----------
    text : one EXPR of the grammar
    limit : the sizes it may have

    Raises
    ------
    InputError
        When the text is not one expression of the grammar, or breaks a limit; the message names the column.

    Examples
    --------
    >>> parse("tanh(w*x)")
    Call(function='tanh', arguments=(Product(factors=(Name(name='w', column=6), Name(name='x', column=8)), column=6),), column=1)
    >>> parse("x.real")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: the character '.' is not part of the grammar (column 2 of 'x.real'); attributes are not part of the grammar, and a number needs a digit beside its point
    """  # noqa: E501
    return parse_tokens(tokenize(text, limit=limit), text, limit=limit)


def parse_layers(text: str, *, limit: Limits = STANDARD) -> tuple[tuple[Node, ...], ...]:
    """Return the layers of a composition, first layer first, each with its components.

    Parameters
    ----------
    text : layers separated by ``|``, components of a layer separated by ``;``
    limit : the sizes the whole text may have

    Examples
    --------
    >>> [len(layer) for layer in parse_layers("x*y; x - y | tanh(x); y")]
    [2, 2]
    """
    tokens = tokenize(text, limit=limit)
    layers = tuple(
        tuple(
            parse_tokens(part, text, column=column, limit=limit)
            for part, column in split_tokens(layer, ";", column=first)
        )
        for layer, first in split_tokens(tokens, "|")
    )
    check_names([node for layer in layers for node in layer], text)
    return layers


def parse_relation(text: str, *, limit: Limits = STANDARD) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    """Return the sides of a chain of relations, and the relations between them.

    Returns
    -------
    tuple
        The nodes from left to right, and one of ``= != < <= > >=`` for each pair of neighbours (``==`` reads as ``=``).

    Examples
    --------
    >>> parse_relation("-1 < a <= b")[1]
    ('<', '<=')
    """
    tokens = tokenize(text, limit=limit)
    relations = tuple(token.text for token in top_level(tokens) if token.kind is Kind.RELATION)
    if not relations:
        raise refusal(
            text, column=1, problem="a relation is missing", remedy="write two sides and one of = != < <= > >="
        )
    parts = split_tokens(tokens, *set(relations))
    nodes = tuple(parse_tokens(part, text, column=column, limit=limit) for part, column in parts)
    check_names(nodes, text)
    return nodes, tuple("=" if relation == "==" else relation for relation in relations)


def parse_tokens(tokens: Sequence[Token], text: str, *, column: int = 1, limit: Limits = STANDARD) -> Node:
    """Return the tree of the tokens of one expression; ``text`` is for messages, ``column`` for an empty expression.

    Examples
    --------
    >>> parse_tokens(tokenize("x"), "x")
    Name(name='x', column=1)
    """
    check_arrangement(tokens, text, column=column, limit=limit)
    reader = _Reader(tokens, text, limit)
    try:
        node = reader.node(ast.parse(reader.source, mode="eval").body)
        check_magnitudes(node, text, limit=limit)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise refusal(
            text, column=column, problem="the text is not one expression", remedy="write it with fewer nested parts"
        ) from None
    check_names([node], text)
    return node


def top_level(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens outside all brackets.

    Examples
    --------
    >>> [token.text for token in top_level(tokenize("f(x) < y"))]
    ['f', '<', 'y']
    """
    found, depth = [], 0
    for token in tokens:
        if token.kind is Kind.BRACKET:
            depth += 1 if token.text in "([" else -1
        elif depth == 0:
            found.append(token)
    return found


def split_tokens(tokens: Sequence[Token], *at: str, column: int = 1) -> list[tuple[Sequence[Token], int]]:
    """Return the parts between top-level tokens of the given texts, each with the column where it is expected.

    Examples
    --------
    >>> [(len(part), column) for part, column in split_tokens(tokenize("a | f(b)"), "|")]
    [(1, 1), (4, 4)]
    """
    cuts = {token.column for token in top_level(tokens) if token.text in at}
    parts: list[tuple[Sequence[Token], int]] = []
    start = 0
    for place, token in enumerate(tokens):
        if token.column in cuts:
            parts.append((tokens[start:place], column))
            start, column = place + 1, token.column + len(token.text)
    return [*parts, (tokens[start:], column)]


def check_names(nodes: Sequence[Node], text: str) -> None:
    """Refuse a name that stands for one number in one place and for one per layer in another.

    Examples
    --------
    >>> check_names([Name("w"), Indexed("w", Name("k"))], "w + w[k]")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: 'w' is used both as w and as w[k] (column 1 of 'w + w[k]'); give one of them another name
    """
    layered = frozenset[str]().union(*(indexed_names(node) for node in nodes))
    for node in nodes:
        for part in walk(node):
            if isinstance(part, Name) and part.name in layered:
                raise refusal(
                    text,
                    column=part.column,
                    problem=f"{part.name!r} is used both as {part.name} and as {part.name}[k]",
                    remedy="give one of them another name",
                )


class _Reader:
    """The neutral text of some tokens, and the whitelist from Python's syntax tree back to them."""

    def __init__(self, tokens: Sequence[Token], text: str, limit: Limits) -> None:
        self.tokens, self.text, self.limit = tokens, text, limit
        pieces = [
            f"_{i}" if t.kind in (Kind.NUMBER, Kind.NAME) else t.text.replace("^", "**") for i, t in enumerate(tokens)
        ]
        self.source = " ".join(pieces)
        self.ends: list[int] = []
        end = -1
        for piece in pieces:
            end += 1 + len(piece)
            self.ends.append(end)

    def node(self, tree: ast.expr) -> Node:
        match tree:
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self._sum(tree)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return self._product(tree)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                base = self.node(left)
                return Power(base, self.node(right), base.column)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negative(self.node(operand), self._column(tree))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.node(operand)
            case ast.Name():
                return self._atom(self._token(tree))
            case ast.Call(func=ast.Name() as function, args=arguments, keywords=[]):
                return self._call(self._token(function), arguments)
            case ast.Subscript(value=ast.Name() as base, slice=index):
                return self._indexed(self._token(base), index)
        raise refusal(
            self.text,
            column=self._column(tree),
            problem=f"a {type(tree).__name__} is not part of the grammar",
            remedy="use names, numbers, + - * / ** ( ) and functions",
        )

    def _token(self, tree: ast.Name) -> Token:
        return self.tokens[int(tree.id[1:])]

    def _column(self, tree: ast.expr) -> int:
        return self.tokens[bisect_left(self.ends, tree.col_offset + 1)].column

    def _operator_column(self, left: ast.expr) -> int:
        place = bisect_left(self.ends, left.end_col_offset or 0) + 1
        while self.tokens[place].text == ")":
            place += 1
        return self.tokens[place].column

    def _sum(self, tree: ast.expr) -> Node:
        terms: list[Node] = []
        while isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub):
            term = self.node(tree.right)
            negated = isinstance(tree.op, ast.Sub)
            terms.append(Negative(term, self._operator_column(tree.left)) if negated else term)
            tree = tree.left
        terms.append(self.node(tree))
        return Sum(tuple(reversed(terms)), terms[-1].column)

    def _product(self, tree: ast.expr) -> Node:
        factors: list[Node] = []
        while isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.Div):
            factor = self.node(tree.right)
            inverted = isinstance(tree.op, ast.Div)
            factors.append(Reciprocal(factor, self._operator_column(tree.left)) if inverted else factor)
            tree = tree.left
        factors.append(self.node(tree))
        return Product(tuple(reversed(factors)), factors[-1].column)

    def _call(self, function: Token, arguments: Sequence[ast.expr]) -> Call:
        self._refuse_constant(function, f"{function.text} is a constant, not a function")
        return Call(function.text, tuple(self.node(argument) for argument in arguments), function.column)

    def _indexed(self, base: Token, index: ast.expr) -> Indexed:
        self._refuse_constant(base, f"{base.text} is a constant, not one value per layer")
        if isinstance(index, ast.Name):
            token = self._token(index)
            if token.text == "k" or (token.kind is Kind.NUMBER and token.text.isdigit() and int(token.text) > 0):
                return Indexed(base.text, self._atom(token), base.column)
        raise refusal(
            self.text,
            column=self._column(index),
            problem=f"the index of {base.text!r} is not a layer",
            remedy=f"write {base.text}[k], or the number of a layer as in {base.text}[1]",
        )

    def _refuse_constant(self, token: Token, problem: str) -> None:
        if token.text in CONSTANTS:
            raise refusal(
                self.text, column=token.column, problem=problem, remedy="write * for a product, or use another name"
            )

    def _atom(self, token: Token) -> Name | Number:
        if token.kind is Kind.NAME:
            return Name(token.text, token.column)
        return Number(read_number(token, self.text, limit=self.limit), token.column)


def read_number(token: Token, text: str, *, limit: Limits = STANDARD) -> Fraction:
    """Return the exact value of a decimal number.

    Examples
    --------
    >>> read_number(Token(Kind.NUMBER, "1e-5", 1), "1e-5")
    Fraction(1, 100000)
    """
    mantissa, _, exponent = token.text.lower().partition("e")
    digits = sum(c.isdigit() for c in mantissa)
    if digits > limit.digits:
        raise refusal(
            text,
            column=token.column,
            problem=f"a number has {digits} digits",
            remedy=f"give at most {limit.digits}",
        )
    whole, _, _ = mantissa.partition(".")
    significant = mantissa.replace(".", "").lstrip("0")
    power = int(exponent or 0) if len(exponent) <= 10 else limit.decimal_exponent + 1
    leading = power + len(whole) - 1 - (digits - len(significant))
    if abs(power) > limit.decimal_exponent or (significant and abs(leading) > limit.decimal_exponent):
        raise refusal(
            text,
            column=token.column,
            problem=f"the exponent of {token.text[:20]!r} is too large",
            remedy=f"stay between 1e-{limit.decimal_exponent} and 1e{limit.decimal_exponent}",
        )
    return Fraction(token.text)
