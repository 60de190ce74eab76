"""What a command answers, as one JSON object or as text for a person."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

Content = Mapping[str, object]
LONGEST_LINE = 60


@dataclass(frozen=True)
class Answer:
    """The content of an answer, its exit code, and its text if the general layout would not do.

    Parameters
    ----------
    content : the JSON object; its first key is ``status``, a sentence
    code : the exit code
    text : what a person sees; made from the content if not given
    """

    content: Content
    code: int = 0
    text: str | None = None


def write_answer(answer: Answer, *, json_wanted: bool, stream: TextIO) -> None:
    """Print an answer and a final newline."""
    if json_wanted:
        print(to_json(answer.content), file=stream)
        return
    text = answer.text if answer.text is not None else to_text(answer.content)
    first, newline, rest = text.partition("\n")
    if stream.isatty() and "NO_COLOR" not in os.environ:
        first = f"\x1b[1m{first}\x1b[0m"
    encoding = stream.encoding or "utf-8"
    print((first + newline + rest).encode(encoding, "backslashreplace").decode(encoding), file=stream)


def to_json(content: Content) -> str:
    """Return valid JSON: what is not finite becomes null, exact fractions become text.

    >>> to_json({"status": "done", "rate": float("-inf")})
    '{"status": "done", "rate": null}'
    """
    return json.dumps(_plain(content), allow_nan=False)


def _plain(value: object) -> object:
    """Return the value made of dict, list, str, int, float, bool and None alone."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, complex):
        return {"re": _plain(value.real), "im": _plain(value.imag)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)


def signed_log(sign: float, log_abs: float) -> dict[str, object] | None:
    """Return ``{"sign", "log_abs"}``: sign 0 exactly when the number is zero, and then no logarithm.

    A number that does not exist, or whose logarithm has left float64 too, is None.

    >>> signed_log(-1.0, 2.5)
    {'sign': -1, 'log_abs': 2.5}
    >>> signed_log(0.0, float("-inf"))
    {'sign': 0, 'log_abs': None}
    """
    if math.isnan(log_abs) or log_abs == math.inf:
        return None
    return {"sign": int(sign), "log_abs": float(log_abs) if sign and math.isfinite(log_abs) else None}


def number(sign: float, log_abs: float, value: float) -> object:
    """Return the number itself when float64 holds it, otherwise its sign and logarithm.

    >>> number(1.0, 800.0, float("inf"))
    {'sign': 1, 'log_abs': 800.0}
    """
    tiny = 2.2250738585072014e-308
    if tiny <= abs(value) < math.inf or (sign == 0 and log_abs == -math.inf):
        return float(value)
    return signed_log(sign, log_abs)


def to_text(content: Content) -> str:
    """Lay an answer out for a person: the sentence, then one aligned line, list or table for each key.

    >>> print(to_text({"status": "Done.", "rate": -1.0, "gradient": {"w": "a" * 60, "b": "c"}}))
    Done.
      rate  -1
    <BLANKLINE>
    gradient:
      w  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      b  c
    """
    rows = [(key.replace("_", " "), value) for key, value in content.items() if key != "status"]
    lines = [str(content["status"]), *_aligned([(label, shown(value)) for label, value in rows if not _is_long(value)])]
    for label, value in rows:
        if isinstance(value, Mapping) and _is_long(value):
            lines += ["", f"{label}:", *_aligned([(str(key), shown(item)) for key, item in value.items()])]
        elif _is_long(value):
            lines += ["", f"{label}:", *_table(value)]
    return "\n".join(lines)


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(label) for label, _ in rows), default=0)
    return [f"  {label:<{width}}  {text}" for label, text in rows]


def _is_long(value: object) -> bool:
    """Say whether a value needs lines of its own: a table, or a mapping too long for one line."""
    if isinstance(value, Mapping) and not _is_number(value):
        return len(shown(value)) > LONGEST_LINE
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(isinstance(row, Mapping) and not _is_number(row) for row in value)


def _is_number(value: Mapping[str, object]) -> bool:
    return value.keys() in ({"sign", "log_abs"}, {"re", "im"})


def shown(value: object) -> str:
    """Return one value on one line.

    >>> shown({"sign": -1, "log_abs": -10000.0})
    '-1.135483865e-4343 (log of its size -10000)'
    >>> shown({"w": 5, "b": -2.6})
    'w = 5, b = -2.6'
    """
    value = _plain(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)
    if isinstance(value, dict) and value.keys() == {"sign", "log_abs"}:
        return _signed(value["sign"], value["log_abs"])
    if isinstance(value, dict) and value.keys() == {"re", "im"}:
        return f"{shown(value['re'])} + {shown(value['im'])}i"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {shown(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value) or "none"
    return str(value)


def _signed(sign: object, log_abs: object) -> str:
    if sign == 0:
        return "0 (exactly)"
    if not isinstance(sign, int) or not isinstance(log_abs, float):
        return "none"
    decimal = log_abs / math.log(10)
    exponent = math.floor(decimal)
    # A logarithm of size 10^m with sixteen digits leaves 16 - m for the number itself.
    kept = min(15, max(1, 15 - len(str(abs(int(log_abs))))))
    if -5 < exponent < 15:
        return f"{sign * math.exp(log_abs):.{kept}g} (log of its size {shown(log_abs)})"
    digits = f"{10 ** (decimal - exponent):.{kept}g}"
    if digits == "10":
        digits, exponent = "1", exponent + 1
    return f"{'-' if sign < 0 else ''}{digits}e{exponent:+03d} (log of its size {shown(log_abs)})"


def _table(value: object) -> list[str]:
    """Return the lines of an aligned table."""
    rows = [dict(row) for row in value] if isinstance(value, list | tuple) else []
    header = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[key.replace("_", " ") for key in header], *([shown(row.get(key)) for key in header] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
