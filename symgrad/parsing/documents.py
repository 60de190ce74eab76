"""A file of claims: declarations, definitions, and chains of relations with their conditions, line by line.

Every line is read by itself, so that one which cannot be read is named with its column and the others stay.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from symgrad.errors import InputError
from symgrad.parsing.assumptions import KINDS, combined, contradiction, is_never, kind_sentence, read_kind
from symgrad.parsing.declarations import Declarations
from symgrad.parsing.definitions import bound_names, count_names
from symgrad.parsing.fences import Line, claim_lines
from symgrad.parsing.printing import unparse
from symgrad.parsing.reading import check_names, parse_tokens, split_tokens, top_level
from symgrad.parsing.refusals import refusal
from symgrad.parsing.signatures import Arity
from symgrad.parsing.tokens import Kind, tokenize
from symgrad.parsing.tree import Name, Node, indexed_names, names
from symgrad.parsing.values import variable_name


@dataclass(frozen=True)
class Link:
    """One relation of a chain, with everything that is assumed where it stands.

    Parameters
    ----------
    line, column : where it is written: its line, and where on that line it begins
    text : as it is written, with its conditions
    lhs, relation, rhs : its sides as canonical text, with the definitions in place
    where : the conditions, as canonical text
    kinds : (name, assumptions) of each name in it that is not just real
    """

    line: int
    column: int
    text: str
    lhs: str
    relation: str
    rhs: str
    where: tuple[str, ...] = ()
    kinds: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True)
class Problem:
    """A line that cannot be read, with the column where it goes wrong."""

    line: int
    column: int
    message: str


@dataclass(frozen=True)
class Document:
    """What a file says: its links in order, the lines that cannot be read, and the names nobody declared."""

    links: tuple[Link, ...]
    problems: tuple[Problem, ...]
    undeclared: tuple[str, ...]


def read_document(text: str, known: Mapping[str, Arity]) -> Document:
    r"""Read a file of claims, plain or Markdown.

    A name that nobody declares is real; one that counts terms, factors or applications is a positive integer.

    Parameters
    ----------
    text : the whole file
    known : the functions and operators that may occur beside those of the grammar, and how many arguments they take

    Examples
    --------
    >>> document = read_document("let f(x) = x**2\nf(a) - 1 = (a - 1)*(a + 1)  # by hand\n  = a*a - 1", {})
    >>> [(link.line, link.lhs, link.rhs) for link in document.links]
    [(2, 'a**2 - 1', '(a - 1)*(a + 1)'), (3, '(a - 1)*(a + 1)', 'a*a - 1')]
    >>> document.undeclared
    ('a',)
    """
    reader = _Reader(known)
    for line in claim_lines(text):
        reader.read(line)
    reader.finish_chain()
    return Document(
        tuple(sorted(reader.links, key=lambda link: link.line)),
        tuple(sorted(dict.fromkeys(reader.problems), key=lambda problem: (problem.line, problem.column))),
        tuple(sorted(name for name in reader.declared.used if name not in reader.declared.kinds)),
    )


@dataclass(frozen=True)
class _Side:
    """One side of a relation: its place, its text, and its tree with the definitions in place."""

    line: int
    column: int
    text: str
    node: Node


@dataclass
class _Chain:
    """A chain while it is read: pairs of neighbours, the last side (None if it cannot be read), the conditions."""

    block: int
    line: int
    last: _Side | None = None
    pairs: list[tuple[_Side, str, _Side]] = field(default_factory=list)
    conditions: list[tuple[Node, str, Node]] = field(default_factory=list)
    condition_texts: list[str] = field(default_factory=list)
    kinds: dict[str, frozenset[str]] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    where: tuple[int, int] = (0, 1)
    is_unknown: bool = False


class _Reader:
    """What has been read so far."""

    def __init__(self, known: Mapping[str, Arity]) -> None:
        self.declared = Declarations(known)
        self.links: list[Link] = []
        self.problems: list[Problem] = []
        self.chain: _Chain | None = None

    def read(self, line: Line) -> None:
        """Read one line; what is wrong with it becomes a problem."""
        code = line.code
        if not code.strip():
            return
        first = len(code) - len(code.lstrip()) + 1
        try:
            if re.match(r"\s*let\b", code):
                self.finish_chain()
                self.declared.read(line.number, code)
            else:
                self._claim(line, code, first)
        except InputError as error:
            self.problems.append(Problem(line.number, error.column or first, str(error)))

    def finish_chain(self) -> None:
        """State the links of the chain that has been read."""
        chain, self.chain = self.chain, None
        if chain is None or not chain.pairs:
            return
        nodes = [side.node for left, _, right in chain.pairs for side in (left, right)]
        counts = frozenset[str]().union(*(count_names(node) for node in nodes)) - self.declared.kinds.keys()
        for name, place in chain.used.items():
            if name not in chain.kinds and name not in counts:
                self.declared.used.setdefault(name, place)
        kinds = {name: kind for name, (kind, _) in self.declared.kinds.items()}
        kinds |= dict.fromkeys(counts, KINDS["positive integer"])
        kinds |= {name: combined(kinds[name], kind) if name in kinds else kind for name, kind in chain.kinds.items()}
        line, column = chain.where
        empty = None if chain.is_unknown else contradiction(kinds, chain.conditions)
        if empty is not None:
            self.problems.append(Problem(line, column, self._contradiction(empty, kinds, chain)))
        for left, relation, right in chain.pairs:
            if chain.is_unknown or empty is not None:
                if right.line != line:
                    message = f"not examined: its condition on line {line} cannot be used; mend that line"
                    self.problems.append(Problem(right.line, 1, message))
                continue
            self.links.append(_link(left, relation, right, chain, kinds))

    def _contradiction(self, name: str, kinds: Mapping[str, frozenset[str]], chain: _Chain) -> str:
        assumed = [kind_sentence(name, kinds[name])] if kinds.get(name, KINDS["real"]) != KINDS["real"] else []
        if assumed and name in self.declared.kinds:
            assumed[0] += f" (line {self.declared.kinds[name][1]})"
        found = zip(chain.conditions, chain.condition_texts, strict=True)
        assumed += dict.fromkeys(text for (left, _, right), text in found if Name(name) in (left, right))
        return (
            f"the assumptions contradict one another, no {name} satisfies {' and '.join(assumed)}; change one of them"
        )

    def _claim(self, line: Line, code: str, first: int) -> None:
        """Read a line that begins a chain or continues one."""
        conditions = [match.start() for match in re.finditer(r"\bwhere\b", code)]
        if len(conditions) > 1:
            raise refusal(
                code,
                column=conditions[1] + 1,
                problem="'where' occurs twice",
                remedy="write it once, conditions separated by commas",
            )
        stop = conditions[0] if conditions else len(code)
        begins = _continues(code, first)
        if begins and (self.chain is None or self.chain.block != line.block):
            self.finish_chain()
            raise refusal(
                code, column=first, problem="this line continues no chain", remedy="write the left side before it"
            )
        if not begins:
            self.finish_chain()
            self.chain = _Chain(line.block, line.number)
        chain = self.chain
        assert chain is not None
        try:
            if conditions:
                self._where(chain, line, code, stop)
        finally:
            if stop >= first:
                self._sides(chain, line, code, first, stop, continues=begins)

    def _sides(self, chain: _Chain, line: Line, code: str, first: int, stop: int, *, continues: bool) -> None:
        """Add the sides written on one line to its chain."""
        before, chain.last = chain.last, None
        tokens = tokenize(code, stop=stop)
        relations = [token for token in top_level(tokens) if token.kind is Kind.RELATION]
        if not relations:
            parse_tokens(tokens, code, column=first)
            raise refusal(
                code, column=first, problem="a relation is missing", remedy="write two sides and one of = != < <= > >="
            )
        parts = split_tokens(tokens, *{token.text for token in relations})[1 if continues else 0 :]
        ends = [token.column - 1 for token in relations[0 if not continues else 1 :]] + [stop]
        sides = []
        for (part, column), end in zip(parts, ends, strict=True):
            node = self.declared.checked(parse_tokens(part, code, column=column))
            sides.append(_Side(line.number, part[0].column, code[part[0].column - 1 : end].strip(), node))
        neighbours = [before, *sides] if continues else [*sides]
        signs = ["=" if token.text == "==" else token.text for token in relations]
        for left, sign, right in zip(neighbours, signs, neighbours[1:], strict=False):
            assert right is not None
            if left is None:
                message = f"not examined: its left side, on a line above, cannot be read; mend line {chain.line}"
                self.problems.append(Problem(line.number, first, message))
                continue
            check_names([left.node, right.node], code)
            chain.pairs.append((left, sign, right))
            _use(chain, left.node, right.node, line=line.number)
        chain.last, chain.line = sides[-1], line.number

    def _where(self, chain: _Chain, line: Line, code: str, start: int) -> None:
        chain.where = (line.number, start + 1)
        try:
            for begin, stop in _split_commas(code, start + len("where")):
                colon = code.find(":", begin, stop)
                if colon >= 0:
                    tokens = tokenize(code, start=begin, stop=colon)
                    name = variable_name(tokens, code, begin + 1)
                    kind = read_kind(code[colon + 1 : stop], colon + 2)
                    chain.kinds[name] = combined(chain.kinds.get(name, kind), kind)
                else:
                    self._condition(chain, line, code, begin, stop)
        except InputError:
            chain.is_unknown = True
            raise

    def _condition(self, chain: _Chain, line: Line, code: str, begin: int, stop: int) -> None:
        tokens = tokenize(code, start=begin, stop=stop)
        relations = [token for token in top_level(tokens) if token.kind is Kind.RELATION]
        if not relations:
            raise refusal(code, column=begin + 1, problem="a condition is needed here", remedy="write e.g. where x > 0")
        parts = split_tokens(tokens, *{token.text for token in relations}, column=begin + 1)
        nodes = [self.declared.checked(parse_tokens(part, code, column=column)) for part, column in parts]
        _use(chain, *nodes, line=line.number)
        for left, token, right in zip(nodes, relations, nodes[1:], strict=False):
            if is_never(left, token.text, right):
                column = parts[0][0][0].column
                problem = f"{code[begin:stop].strip()!r} never holds"
                raise refusal(
                    code, column=column, problem=problem, remedy="write a condition that some numbers satisfy"
                )
            chain.conditions.append((left, "=" if token.text == "==" else token.text, right))
            chain.condition_texts.append(code[begin:stop].strip())


def _use(chain: _Chain, *nodes: Node, line: int) -> None:
    """Remember the names that a chain uses; what an operator binds stands for nothing outside of it."""
    for node in nodes:
        for name in sorted((names(node) | indexed_names(node)) - bound_names(node)):
            chain.used.setdefault(name, line)


def _link(left: _Side, relation: str, right: _Side, chain: _Chain, kinds: Mapping[str, frozenset[str]]) -> Link:
    conditions = tuple(f"{unparse(one)} {sign} {unparse(other)}" for one, sign, other in chain.conditions)
    nodes = [left.node, right.node, *(side for one, _, other in chain.conditions for side in (one, other))]
    occurring = frozenset[str]().union(*(names(node) | indexed_names(node) for node in nodes))
    stated = list(dict.fromkeys(chain.condition_texts)) + [kind_sentence(*item) for item in chain.kinds.items()]
    text = f"{left.text} {relation} {right.text}" + (f" where {', '.join(stated)}" if stated else "")
    column = right.column if left.line != right.line else left.column
    assumed = tuple((n, kinds[n]) for n in sorted(occurring) if kinds.get(n, KINDS["real"]) != KINDS["real"])
    return Link(right.line, column, text, unparse(left.node), relation, unparse(right.node), conditions, assumed)


def _continues(code: str, first: int) -> bool:
    """Return whether a line begins with a relation, or with ``where``."""
    return code[first - 1] in "=<>" or code[first - 1 : first + 1] == "!=" or re.match(r"\s*where\b", code) is not None


def _split_commas(code: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield the (begin, end) of the parts between the commas outside all brackets."""
    depth, begin = 0, start
    for place in range(start, len(code)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(code[place], 0)
        if code[place] == "," and depth == 0:
            yield begin, place
            begin = place + 1
    yield begin, len(code)
