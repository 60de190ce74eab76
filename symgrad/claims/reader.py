"""From the tree of a claim to expressions: one meaning for each name, a symbol for each operator, and the domain."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from sympy import Dummy, Expr, Indexed, S, Symbol

from symgrad.claims.conditions import Comparison, Requirement
from symgrad.claims.operations import ARGUMENTS, Operation
from symgrad.errors import InputError
from symgrad.maps import ACTIVATIONS, differentiate, functions
from symgrad.parsing import Call, Condition, Name, Node, domain_conditions, names, parse, to_sympy, tree, unparse, walk
from symgrad.parsing.conversion import GRAMMAR_FUNCTIONS
from symgrad.symbols import real

MAX_ORDER = 12


class Reader:
    """Turns nodes into expressions with one meaning for each name; ``w[k]`` becomes one real symbol of that name."""

    def __init__(self, symbols: Mapping[str, Symbol]) -> None:
        self.symbols = dict(symbols)
        self.functions: dict[str, Callable[..., Expr]] = {**functions(), "diff": self._derivative}
        self.operations: dict[str, Operation] = {}
        self.notes: list[str] = []

    def symbol(self, name: str) -> Symbol:
        return self.symbols.get(name) or real(name)

    def expression(self, node: Node) -> Expr:
        plain = self.plain(node)
        called = {part.function for part in walk(plain) if isinstance(part, Call)}
        # Looking up how many arguments each function takes costs more than a small tree.
        known = called <= self.functions.keys() | GRAMMAR_FUNCTIONS.keys()
        functions = {name: f for name, f in self.functions.items() if name in called} if known else self.functions
        return without_layers(to_sympy(plain, functions=functions, symbol=self.symbol))

    def plain(self, node: Node) -> Node:
        """Return the tree with a name for every operator; what each name means is kept in ``operations``."""
        if not isinstance(node, Name | tree.Number) and not any(
            isinstance(part, Call) and part.function in ARGUMENTS for part in walk(node)
        ):
            return node
        if isinstance(node, Call) and node.function in ARGUMENTS:
            text = unparse(node)
            if text not in self.operations:
                self.operations[text] = operation = self._operation(node, text)
                self.symbols[text] = operation.symbol
            return Name(text, node.column)
        return rebuilt(node, tuple(self.plain(part) for part in tree.children(node)))

    def declare_counts(self, nodes: Iterable[Node]) -> None:
        """Make the undeclared names that count terms or applications positive integers, and say so."""
        for call in (part for node in nodes for part in walk(node) if isinstance(part, Call)):
            if call.function in ("sum", "product", "iterate") and len(call.arguments) == len(ARGUMENTS[call.function]):
                count = call.arguments[1 if call.function == "iterate" else 3]
                for name in sorted(names(count) - self.symbols.keys()):
                    self.symbols[name] = Symbol(name, integer=True, positive=True)
                    self.notes.append(f"{name} is a positive integer")

    def _operation(self, call: Call, text: str) -> Operation:
        shape = f"{call.function}({', '.join(ARGUMENTS[call.function])})"
        if len(call.arguments) != len(ARGUMENTS[call.function]):
            raise InputError(f"{text} has {len(call.arguments)} arguments (column {call.column}); write {shape}")
        body, variable, *bounds = call.arguments
        if call.function == "iterate":
            variable, bounds = bounds[0], [variable]
        if not isinstance(variable, Name) or variable.name in tree.CONSTANTS:
            raise InputError(f"{shape} needs a variable, got {unparse(variable)} (column {variable.column})")
        if any(isinstance(part, tree.Indexed) for part in walk(call)):
            raise InputError(
                f"{call.function}(...) cannot contain values per layer such as w[k] (column {call.column})"
            )
        index = outer = self.symbol(variable.name)
        low, high = (S.Zero if len(bounds) < 2 else self.expression(bounds[0])), self.expression(bounds[-1])
        if call.function == "limit" and high is not S.Infinity:
            raise InputError(
                f"a limit is taken at oo, got {unparse(bounds[-1])} (column {bounds[-1].column}); write {shape}"
            )
        if call.function == "iterate" and high is S.Infinity:
            raise InputError(
                f"iterate needs a number of applications (column {call.column}); write limit(iterate(f, n, x), n, oo)"
            )
        if call.function == "limit":
            index = Dummy(variable.name, positive=True, integer=outer.is_integer)
        elif call.function != "iterate":
            sign = {"positive": True} if low.is_positive else {"nonnegative": True} if low == 0 else {}
            index = Dummy(variable.name, integer=True, **sign)
        inner, conditions = self._body(body, variable.name, index, call)
        bound = tuple((e, need) for e, need in conditions if index in e.free_symbols)
        found = Operation(call.function, Symbol(text, real=True), inner, index, low, high, bound)
        if bound and not found.is_infinite and not all(Requirement(e, need, "").is_always_met for e, need in bound):
            self.notes.append(
                f"{'every application in' if call.function == 'iterate' else 'every term of'} {text} has a value"
            )
        return found

    def _body(
        self, body: Node, name: str, index: Symbol, call: Call
    ) -> tuple[Expr, tuple[tuple[Expr, Condition], ...]]:
        """Read a body with its own variable; the operators inside are lifted out."""
        symbols, outside = self.symbols, self.operations
        self.symbols = {s: v for s, v in symbols.items() if s not in outside} | {name: index}
        self.operations = {}
        try:
            inner = self.expression(body)
            conditions = tuple((self.expression(part), need) for part, need in self._needs(self.plain(body)))
            found = self.operations
        finally:
            self.symbols, self.operations = symbols, outside
        for nested in found.values():
            inner, conditions = self._nested(nested, inner, conditions, index, call)
        return inner, conditions

    def _needs(self, body: Node) -> Iterable[tuple[Node, Condition]]:
        return (*domain_conditions(body), *_kinks(body))

    def _nested(
        self, nested: Operation, inner: Expr, conditions: tuple[tuple[Expr, Condition], ...], index: Symbol, call: Call
    ) -> tuple[Expr, tuple[tuple[Expr, Condition], ...]]:
        """Lift an operator out of the body of another; its end grows to oo where a limit says so."""
        if index in nested.free_symbols:
            shift = nested.high - index
            grows = call.function == "limit" and nested.kind in ("sum", "product") and shift.is_Integer
            if not grows or index in nested.body.free_symbols | nested.low.free_symbols:
                raise InputError(
                    f"{call.function}(...) has an operator inside that depends on {index.name} (column {call.column}); "
                    "claim that one by itself first"
                )
            name = f"{nested.symbol.name} as {index.name} -> oo"
            nested = replace(nested, symbol=Symbol(name, real=True), high=S.Infinity)
            old = nested.symbol.name.removesuffix(f" as {index.name} -> oo")
            inner = inner.xreplace({Symbol(old, real=True): nested.symbol})
            conditions = tuple((e.xreplace({Symbol(old, real=True): nested.symbol}), need) for e, need in conditions)
        self.operations[nested.symbol.name] = nested
        self.symbols[nested.symbol.name] = nested.symbol
        return inner, conditions

    def _derivative(self, expr: Expr, variable: Expr, order: Expr = S.One) -> Expr:
        for operation in self.operations.values():
            if operation.symbol in expr.free_symbols and variable in operation.free_symbols:
                raise InputError(f"diff cannot differentiate {operation.symbol.name}; differentiate inside of it")
        return _derivative(expr, variable, order)

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
            for part, condition in self._needs(self.plain(node)):
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


def rebuilt(node: Node, parts: tuple[Node, ...]) -> Node:
    """Return the node with other parts."""
    match node:
        case tree.Negative():
            return tree.Negative(parts[0], node.column)
        case tree.Reciprocal():
            return tree.Reciprocal(parts[0], node.column)
        case tree.Sum():
            return tree.Sum(parts, node.column)
        case tree.Product():
            return tree.Product(parts, node.column)
        case tree.Power():
            return tree.Power(parts[0], parts[1], node.column)
        case Call(function):
            return Call(function, parts, node.column)
    return node
