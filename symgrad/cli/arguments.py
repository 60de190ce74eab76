"""What stands on the command line: options, commands, and the reading of the tokens.

argparse writes the help; the tokens are put in order here first, because a token with one leading minus sign
is a value (``--start -0.3``, ``derive "-(w*x)"``) unless it is a short option of the command.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from symgrad.cli.overview import commands
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.cli.answers import Answer

HELP = ("-h", "--help")


@dataclass(frozen=True)
class Option:
    """One option: a switch if it has no metavar, otherwise an option with a value.

    Parameters
    ----------
    flag : its name, with two leading minus signs
    metavar : how the help names the value; None for a switch
    help : one line
    read : turns the text into the value, or raises InputError
    default : the value when the option is absent
    repeatable : whether it may be given several times; the value is then a tuple
    """

    flag: str
    metavar: str | None
    help: str
    read: Callable[[str], object] = str
    default: object = None
    repeatable: bool = False

    @property
    def name(self) -> str:
        """The attribute that holds the value."""
        return self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True)
class Operand:
    """What a command takes without a flag: its name in the help, and how many of it."""

    metavar: str
    help: str
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True)
class Command:
    """One command: its name, what it answers, its options, and the function that answers."""

    name: str
    summary: str
    options: tuple[Option, ...]
    run: "Callable[[argparse.Namespace], Answer]"
    operand: Operand | None = None
    example: str = ""

    @property
    def all_options(self) -> tuple[Option, ...]:
        """Its own options and those common to all commands."""
        return (*self.options, *COMMON)

    def parser(self) -> argparse.ArgumentParser:
        """Return the argparse parser of the command, which writes its help."""
        parser = argparse.ArgumentParser(
            prog=f"symgrad {self.name}",
            description=self.summary,
            epilog=f"example: {self.example}" if self.example else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if self.operand is not None:
            parser.add_argument("operands", metavar=self.operand.metavar, nargs="*", help=self.operand.help)
        for option in self.options:
            _add(parser, option)
        common = parser.add_argument_group("common to all commands")
        for option in COMMON:
            _add(common, option)
        return parser


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader that accepts exactly these words."""

    def read(text: str) -> str:
        if text not in words:
            raise InputError(f"{text!r} is not known; choose one of {', '.join(words)}")
        return text

    return read


def whole_number(text: str, *, least: int = 0) -> int:
    """Read a whole number that is at least ``least``.

    >>> whole_number("50", least=1)
    50
    """
    try:
        value = int(text) if len(text) < 20 else None
    except ValueError:
        value = None
    if value is None or value < least:
        kind = "a positive whole number" if least == 1 else f"a whole number of at least {least}"
        raise InputError(f"got {text!r}, {kind} is needed, e.g. {max(least, 50)}")
    return value


def positive_whole_number(text: str) -> int:
    """Read a whole number of at least 1."""
    return whole_number(text, least=1)


def seconds(text: str) -> float:
    """Read a positive, finite number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise InputError(f"got {text!r}, a positive number of seconds is needed, e.g. 10")
    return value


COMMON = (
    Option("--json", None, "print one JSON object instead of text"),
    Option("--quiet", None, "no progress and no messages on standard error"),
    Option(
        "--seed",
        "N",
        "seed of the points at which check tries to refute (default 0); no other command draws random numbers yet",
        whole_number,
        0,
    ),
    Option("--budget", "SECONDS", "time limit of product, of bifurcations, and of each claim of check", seconds),
)


def load(name: str) -> Command:
    """Import one command."""
    command: Command = import_module(f"symgrad.cli.commands.{name}").COMMAND
    return command


def find_command(tokens: Sequence[str]) -> tuple[Command, list[str]]:
    """Split the tokens into the command and everything else, which may begin with common options."""
    known = commands()
    takes_value = {option.flag for option in COMMON if option.metavar}
    position = 0
    while position < len(tokens) and tokens[position].startswith("-"):
        position += 2 if tokens[position] in takes_value else 1
    if position >= len(tokens):
        raise InputError(f"no command was given; the commands are {', '.join(known)}; symgrad --help explains them")
    name = tokens[position]
    if name not in known:
        raise InputError(f"there is no command {name!r}{_nearest(name, known)}; the commands are {', '.join(known)}")
    return load(name), [*tokens[:position], *tokens[position + 1 :]]


def read_arguments(command: Command, tokens: Sequence[str]) -> argparse.Namespace | None:
    """Read the tokens after a command's name; None means that its help was asked for."""
    given, operands, help_wanted = _sort_tokens(command, tokens)
    if help_wanted:
        return None
    _check_operands(command, operands)
    values: dict[str, object] = {"operands": operands}
    for option in command.all_options:
        texts = given.get(option.flag, [])
        if option.metavar is None:
            values[option.name] = bool(texts)
        elif option.repeatable:
            values[option.name] = tuple(_read(option, text) for text in texts)
        else:
            values[option.name] = _read(option, texts[0]) if texts else option.default
    return argparse.Namespace(**values)


def _sort_tokens(command: Command, tokens: Sequence[str]) -> tuple[dict[str, list[str]], list[str], bool]:
    """Separate the options (flag → texts) from the operands, and see whether help is wanted."""
    table = {option.flag: option for option in command.all_options}
    given: dict[str, list[str]] = {}
    operands: list[str] = []
    rest = list(tokens)
    while rest:
        token = rest.pop(0)
        if token in HELP:
            return {}, [], True
        if token == "--":
            operands += rest
            break
        if not re.match("--[A-Za-z]", token):
            operands.append(token)
            continue
        flag, equals, text = token.partition("=")
        if flag not in table:
            hint = _nearest(flag, table) or f"; symgrad {command.name} --help lists the options"
            raise InputError(f"{command.name} has no option {flag}{hint}")
        option = table[flag]
        if option.metavar is None and equals:
            raise InputError(f"{flag} takes no value, got {text!r}; write {flag} alone")
        if option.metavar is not None and not equals:
            if not rest or re.match("--[A-Za-z]|--$", rest[0]):
                raise InputError(f"{flag} needs a value; write {flag} {option.metavar}")
            text = rest.pop(0)
        if flag in given and not option.repeatable:
            raise InputError(f"{flag} was given twice; give it once")
        given.setdefault(flag, []).append(text)
    return given, operands, False


def _check_operands(command: Command, operands: list[str]) -> None:
    operand = command.operand
    if operand is None:
        if operands:
            raise InputError(f"{command.name} takes options only, got {operands[0]!r}; symgrad {command.name} --help")
        return
    example = f", e.g. {command.example}" if command.example else ""
    if len(operands) < operand.least:
        raise InputError(f"{command.name} needs {operand.metavar}{example}")
    if operand.most is not None and len(operands) > operand.most:
        raise InputError(
            f"{command.name} takes {operand.most} {operand.metavar}, got {len(operands)}: "
            f"{', '.join(map(repr, operands[:4]))}; put an expression in quotes"
        )


def _read(option: Option, text: str) -> object:
    try:
        return option.read(text)
    except InputError as error:
        raise InputError(f"{option.flag}: {error}") from None


def _nearest(word: str, known: Sequence[str] | dict[str, Option]) -> str:
    """Return "; did you mean …?" when a known word is close."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _add(parser: "argparse.ArgumentParser | argparse._ArgumentGroup", option: Option) -> None:
    note = " (repeatable)" if option.repeatable else ""
    text = (option.help + note).replace("%", "%%")
    if option.metavar is None:
        parser.add_argument(option.flag, action="store_true", help=text)
    else:
        parser.add_argument(option.flag, metavar=option.metavar, help=text)
