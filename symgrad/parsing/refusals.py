"""One line for every text that is refused: what, where, in which text, and what to do."""

from symgrad.errors import InputError, input_error_at

SHOWN = 60


def shorten(text: str, *, column: int = 1) -> str:
    """Return the text quoted, or the 60 characters of it around the column.

    Examples
    --------
    >>> shorten("w*x")
    "'w*x'"
    >>> len(shorten("x+" * 500, column=400))
    64
    """
    if len(text) <= SHOWN:
        return repr(text)
    start = max(0, min(column - 1 - SHOWN // 2, len(text) - SHOWN))
    piece = repr(text[start : start + SHOWN])
    before = "…" if start else ""
    after = "…" if start + SHOWN < len(text) else ""
    return f"{piece[0]}{before}{piece[1:-1]}{after}{piece[-1]}"


def refusal(text: str, *, column: int, problem: str, remedy: str) -> InputError:
    """Return the error that says what is wrong at a column of a text, and what to do.

    Examples
    --------
    >>> str(refusal("(x", column=1, problem="'(' is never closed", remedy="add ')'"))
    "'(' is never closed (column 1 of '(x'); add ')'"
    """
    return input_error_at(column, f"{problem} (column {column} of {shorten(text, column=column)}); {remedy}")
