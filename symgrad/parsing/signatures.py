"""Which functions exist, and how many arguments each takes."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import TypeAlias

from symgrad.errors import InputError, input_error_at
from symgrad.parsing.tree import Call, Name, Node, walk

Arity: TypeAlias = range | tuple[int, ...]

_UNARY = (
    *("exp", "log", "sqrt", "abs", "sign", "floor", "erf"),
    *("sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)
GRAMMAR_ARITIES: Mapping[str, Arity] = MappingProxyType(
    {**dict.fromkeys(_UNARY, (1,)), "Mod": (2,), "Min": range(1, 17), "Max": range(1, 17)}
)


def check_calls(node: Node, arities: Mapping[str, Arity], *, takes_function: Collection[str] = ()) -> None:
    """Refuse unknown functions, wrong numbers of arguments, and function names that stand alone.

    Parameters
    ----------
    node : the tree to check
    arities : how many arguments each further function takes; the functions of the grammar are always known
    takes_function : functions whose first argument is the name of a function, as in ``iterate(f, n, x)``

    Raises
    ------
    InputError
        One line that names the function, its column, and what is known.

    Examples
    --------
    >>> check_calls(Call("sin", (Name("x"), Name("y"))), {})
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: sin takes 1 argument, got 2 (column 1); write sin(...) with 1 argument
    """
    known = {**GRAMMAR_ARITIES, **arities}
    for part, is_function in _parts(node, takes_function):
        name = part.function if isinstance(part, Call) else part.name
        if isinstance(part, Call):
            _check_call(part, known)
        elif is_function and name not in known:
            raise _unknown(name, part.column, known)
        elif not is_function and name in known:
            raise input_error_at(
                part.column,
                f"{name!r} is a function, used without arguments (column {part.column}); "
                f"write {name}(...), or give the variable another name",
            )


def _parts(node: Node, takes_function: Collection[str]) -> Iterable[tuple[Call | Name, bool]]:
    """Yield every call and name, with whether a name stands for a function."""
    standing = {
        id(part.arguments[0])
        for part in walk(node)
        if isinstance(part, Call) and part.function in takes_function and isinstance(part.arguments[0], Name)
    }
    return ((part, id(part) in standing) for part in walk(node) if isinstance(part, Call | Name))


def _check_call(call: Call, known: Mapping[str, Arity]) -> None:
    if call.function not in known:
        raise _unknown(call.function, call.column, known)
    arity, given = known[call.function], _count(call)
    if given in arity:
        return
    if isinstance(arity, range) and len(arity) > 2:
        needed = f"{arity[0]} to {arity[-1]}"
    else:
        needed = " or ".join(str(count) for count in arity)
    plural = "" if needed == "1" else "s"
    raise input_error_at(
        call.column,
        f"{call.function} takes {needed} argument{plural}, got {given} (column {call.column}); "
        f"write {call.function}(...) with {needed} argument{plural}",
    )


def _count(call: Call) -> int:
    """Return the number of arguments; those of a Min inside a Min, or a Max inside a Max, count as its own."""
    if call.function not in ("Min", "Max"):
        return len(call.arguments)
    return sum(
        _count(part) if isinstance(part, Call) and part.function == call.function else 1 for part in call.arguments
    )


def _unknown(name: str, column: int, known: Mapping[str, Arity]) -> InputError:
    nearest = get_close_matches(name, known, n=1) or get_close_matches(name.lower(), known, n=1)
    suggestion = f"did you mean {nearest[0]!r}? " if nearest else "write * for a product, or use one that is known; "
    listing = ", ".join(sorted(known, key=str.lower))
    message = f"unknown function {name[:60]!r} (column {column}); {suggestion}known functions: {listing}"
    return input_error_at(column, message)
