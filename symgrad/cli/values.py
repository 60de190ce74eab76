"""The values on the command line: what ``parsing`` reads, as float64 can hold it, and depths; all without SymPy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.parsing import Constant, LayerRange, Slice

Value: TypeAlias = "Constant | tuple[Constant, ...]"
DEFAULT_COUNT = 201
MOST_VALUES = 10_000_000


@dataclass(frozen=True)
class AxisText:
    """One swept name with its bounds, as given: ``name=low:high[:count]``."""

    name: str
    low: "Constant"
    high: "Constant"
    count: int


def _held(constants: "Sequence[Constant]") -> None:
    """Refuse a constant that is beyond the range of float64."""
    from symgrad.parsing import enclosing_interval

    for constant in constants:
        try:
            around = None if isinstance(constant, Fraction) else enclosing_interval(constant)
            ends = (constant,) if around is None else (around.low, around.high)
            inside = all(abs(float(end)) < float("inf") for end in ends)  # type: ignore[arg-type]
        except OverflowError:
            inside = False
        if not inside:
            raise InputError("the value is beyond float64 (about 1.8e308); give a smaller one")


def numbers(text: str) -> "tuple[Constant, ...]":
    """Read constants separated by commas.

    >>> numbers("0.5,-1")
    (Fraction(1, 2), Fraction(-1, 1))
    """
    from symgrad.parsing import parse_values

    found = parse_values(text)
    _held(found)
    return found


def names(text: str) -> tuple[str, ...]:
    """Read names separated by commas; none may repeat.

    >>> names("w, b")
    ('w', 'b')
    """
    from symgrad.parsing import parse_names

    return parse_names(text)


def setting(text: str) -> tuple[str, Value]:
    """Read ``name=value``, ``name=[v1,v2]`` or ``name=@FILE``.

    >>> setting("w=[2,1/2]")
    ('w', (Fraction(2, 1), Fraction(1, 2)))
    """
    from symgrad.parsing import parse_assignment

    name, value = parse_assignment(text)
    _held(value if isinstance(value, tuple) else (value,))
    return name, value


def axis(text: str) -> AxisText:
    """Read ``name=low:high[:count]``.

    >>> axis("b=-6:-1:101").count
    101
    """
    from symgrad.parsing import parse_axis

    name, low, high, count = parse_axis(text)
    _held((low, high))
    return AxisText(name, low, high, count or DEFAULT_COUNT)


def layers(text: str) -> "Slice":
    """Read a slice: which layers share one swept name, ``u=w[1..3], v=w[4..6]``."""
    from symgrad.parsing import parse_slice

    return parse_slice(text)


def depth(text: str) -> int:
    """Read a literal depth, a positive whole number."""
    value = symbolic_depth(text)
    if not isinstance(value, int):
        raise InputError(f"got {text!r}, a number of steps is needed here, e.g. 50")
    return value


def symbolic_depth(text: str) -> int | str:
    """Read a depth: a positive whole number, or the symbol ``n``."""
    if text.strip() == "n":
        return "n"
    digits = text.strip()
    value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0
    if value < 1:
        raise InputError(f"got {text!r}, depth must be a positive whole number, e.g. 50")
    return value


def once(pairs: Iterable[tuple[str, Value]], flag: str) -> Mapping[str, Value]:
    """Gather named values, refusing a name given twice."""
    found: dict[str, Value] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"{flag} names {name} twice; give it once")
        found[name] = value
    return found


def fits_layers(name: str, value: Value, layers: int) -> Value:
    """Return one value for each layer: a list of the right length, or one number repeated."""
    if not isinstance(value, tuple):
        if layers > MOST_VALUES:
            raise InputError(f"{name} needs {layers} values, at most {MOST_VALUES} fit; lower --depth or tie {name}")
        return (value,) * layers
    if len(value) != layers:
        raise InputError(
            f"{name} has {len(value)} values for {layers} layers; give one for each layer, "
            f'e.g. --set "{name}=[{",".join(["1"] * min(layers, 3))}{",…" if layers > 3 else ""}]"'
        )
    return value


def of_layers(name: str, value: Value, depth: int, left: "Sequence[LayerRange]") -> Value:
    """Return the values of the layers that a slice leaves, given as one number, one for each of them or one for each.

    Parameters
    ----------
    name : the parameter
    value : what was given for it
    depth : the number of layers of the whole chain
    left : the layers that keep a value of their own, in order
    """
    count = sum(map(len, left))
    if isinstance(value, tuple) and len(value) == depth:
        return tuple(v for one in left for v in value[one.first - 1 : one.last])
    if isinstance(value, tuple) and len(value) != count:
        raise InputError(
            f"{name} has {len(value)} values; give one for each of the {depth} layers, or one for each of the {count} "
            f"that --slice leaves ({', '.join(map(str, left))})"
        )
    return fits_layers(name, value, count)


def exact(value: Value) -> Any:
    """Return a value as kernels take it: a Fraction as it is, any other constant as a SymPy number.

    >>> exact(Fraction(1, 3)), exact(numbers("1,2*pi"))
    (Fraction(1, 3), (Fraction(1, 1), 2*pi))
    """
    if isinstance(value, tuple):
        return tuple(exact(part) for part in value)
    if isinstance(value, Fraction):
        return value
    from symgrad.parsing import to_exact

    return to_exact(value)


def nearest(value: Value) -> Any:
    """Return a value as float64 takes it: a Fraction as it is, any other constant as the float nearest to it.

    >>> nearest(Fraction(1, 3)), nearest(numbers("1,2*pi"))
    (Fraction(1, 3), (Fraction(1, 1), 6.283185307179586))
    """
    if isinstance(value, tuple):
        return tuple(nearest(part) for part in value)
    if isinstance(value, Fraction):
        return value
    from symgrad.phenomena.fraction_ranges import Unknown, value_at

    try:
        around = value_at(value, {})
        if float(around.low) == float(around.high):
            return float(around.low)
    except (Unknown, OverflowError):
        pass
    from symgrad.parsing import to_float

    return to_float(value)
