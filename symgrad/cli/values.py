"""The values on the command line: numbers, lists, settings and axes, read exactly and without SymPy."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symgrad.errors import InputError

Value = Fraction | tuple[Fraction, ...]
DEFAULT_COUNT, LARGEST_COUNT = 201, 100_000


@dataclass(frozen=True)
class AxisText:
    """One swept name with its bounds, as given: ``name=low:high[:count]``."""

    name: str
    low: Fraction
    high: Fraction
    count: int


def number(text: str) -> Fraction:
    """Read one exact number.

    >>> number("-1/3")
    Fraction(-1, 3)
    """
    from symgrad.parsing import parse_number

    if text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity", "oo"):
        raise InputError(f"got {text.strip()!r}, a finite number is needed, e.g. 0.5 or -1/3")
    value = parse_number(text)
    try:
        float(value)
    except OverflowError:
        raise InputError(f"{text.strip()} is larger than any float64 (about 1.8e308); give a smaller number") from None
    return value


def numbers(text: str) -> tuple[Fraction, ...]:
    """Read numbers separated by commas.

    >>> numbers("0.5,-1")
    (Fraction(1, 2), Fraction(-1, 1))
    """
    return tuple(number(part) for part in text.split(","))


def names(text: str) -> tuple[str, ...]:
    """Read names separated by commas; none may repeat.

    >>> names("w, b")
    ('w', 'b')
    """
    found = tuple(part.strip() for part in text.split(","))
    for name in found:
        if not name.isidentifier() or not name.isascii():
            raise InputError(f"{name!r} is not a name; a name has letters, digits and _, e.g. w or w1")
        if found.count(name) > 1:
            raise InputError(f"{name} is named twice in {text!r}; name it once")
    return found


def setting(text: str) -> tuple[str, Value]:
    """Read ``name=value``, ``name=[v1,v2]`` or ``name=@FILE``.

    >>> setting("w=[2,1/2]")
    ('w', (Fraction(2, 1), Fraction(1, 2)))
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value:
        raise InputError(f"got {text!r}, name=value is needed, e.g. w=5, w=[2,0.5] or w=@values.txt")
    names(name)
    if value.startswith("@"):
        return name, _from_file(value[1:])
    if value.startswith("["):
        if not value.endswith("]"):
            raise InputError(f"the list of {name} does not end with ]; write {name}=[1,2,3]")
        return name, numbers(value[1:-1])
    return name, number(value)


def _from_file(path: str) -> tuple[Fraction, ...]:
    """Read the numbers of a file, separated by commas, spaces or ends of lines."""
    try:
        with open(path, encoding="utf-8") as file:
            words = file.read().replace(",", " ").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"{path} cannot be read: {reason}; give a text file of numbers") from None
    if not words:
        raise InputError(f"{path} holds no number; give one for each layer")
    return tuple(number(word) for word in words)


def axis(text: str) -> AxisText:
    """Read ``name=low:high[:count]``.

    >>> axis("b=-6:-1:101").count
    101
    """
    name, equals, rest = (part.strip() for part in text.partition("="))
    parts = rest.split(":")
    if not equals or len(parts) not in (2, 3):
        raise InputError(f"got {text!r}, name=low:high or name=low:high:count is needed, e.g. w=-4:4:201")
    names(name)
    low, high = number(parts[0]), number(parts[1])
    if float(low) >= float(high):
        raise InputError(f"the bounds of {name} are {parts[0]} and {parts[1]}; low must be less than high")
    return AxisText(name, low, high, _count(name, parts[2]) if len(parts) == 3 else DEFAULT_COUNT)


def _count(name: str, text: str) -> int:
    count = int(text) if text.strip().isascii() and text.strip().isdigit() and len(text) < 10 else 0
    if not 2 <= count <= LARGEST_COUNT:
        raise InputError(
            f"the axis {name} has count {text}; from 2 to {LARGEST_COUNT} points are needed, e.g. {DEFAULT_COUNT}"
        )
    return count


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


def plain(value: Value) -> float | list[float]:
    """Return the nearest float64, or the list of them."""
    return [float(v) for v in value] if isinstance(value, tuple) else float(value)


def fits_layers(name: str, value: Value, layers: int) -> Value:
    """Return one value for each layer: a list of the right length, or one number repeated."""
    if not isinstance(value, tuple):
        return (value,) * layers
    if len(value) != layers:
        raise InputError(
            f"{name} has {len(value)} values for {math.trunc(layers)} layers; give one for each layer, "
            f'e.g. --set "{name}=[{",".join(["1"] * min(layers, 3))}{",…" if layers > 3 else ""}]"'
        )
    return value
