"""The ways symgrad says no.

Every message is one line that says what was given, what is needed and what to do next.
"""


class InputError(ValueError):
    """The input cannot be used as given; the message says what is needed instead.

    Examples
    --------
    >>> raise InputError("depth must be a positive integer, got -1; give e.g. 50")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: depth must be a positive integer, got -1; give e.g. 50

    ``column`` is the 1-based place in the text that was given, where there is one.
    """

    column: int | None = None


def input_error_at(column: int, message: str) -> InputError:
    """Return the error with its place in the text.

    >>> input_error_at(3, "'x' is out of place").column
    3
    """
    error = InputError(message)
    error.column = column
    return error


class RegistryError(ValueError):
    """A definition was refused when it was registered: a duplicate, or one without a docstring."""
