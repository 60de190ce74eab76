"""Tokens become arguments: a single leading minus sign is a value, and everything unclear is refused in one line."""

import argparse

import pytest

from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command, Operand, Option, commands, find_command, load, one_of, read_arguments
from symgrad.cli.values import numbers, setting
from symgrad.errors import InputError


def _answer(arguments: argparse.Namespace) -> Answer:
    return Answer({"status": "done"})


COMMAND = Command(
    name="example",
    summary="an example",
    options=(
        Option("--start", "V", "start", numbers),
        Option("--set", "NAME=VALUE", "setting", setting, (), repeatable=True),
        Option("--trace", None, "trace"),
        Option("--format", "F", "format", one_of("text", "latex"), "text"),
    ),
    run=_answer,
    operand=Operand("EXPR", "an expression"),
    example="symgrad example x",
)


def read(*tokens: str) -> argparse.Namespace:
    arguments = read_arguments(COMMAND, tokens)
    assert arguments is not None
    return arguments


@pytest.mark.parametrize("text", ["-(w*x)", "-x", "-", "-hx", "-0.3", "-w*x | -v*x", "--(x)", "---x"])
def test_an_operand_may_begin_with_a_minus_sign(text: str) -> None:
    assert read(text).operands == [text]
    assert read("--trace", text).operands == [text]
    assert read(text, "--trace").operands == [text]


@pytest.mark.parametrize("tokens", [("--start", "-0.3,0.1"), ("--start=-0.3,0.1",)])
def test_a_value_may_begin_with_a_minus_sign(tokens: tuple[str, ...]) -> None:
    assert [float(v) for v in read("x", *tokens).start] == [-0.3, 0.1]


def test_absent_options_have_their_defaults() -> None:
    arguments = read("x")
    assert (arguments.start, arguments.set, arguments.trace, arguments.format) == (None, (), False, "text")
    assert (arguments.json, arguments.quiet, arguments.seed, arguments.budget) == (False, False, 0, None)


def test_repeatable_options_are_gathered_in_order() -> None:
    assert [name for name, _ in read("x", "--set", "w=1", "--set", "b=-2").set] == ["w", "b"]


def test_everything_after_two_minus_signs_is_an_operand() -> None:
    assert read("--trace", "--", "--x").operands == ["--x"]


@pytest.mark.parametrize("tokens", [("-h",), ("--help",), ("x", "--help"), ("--start", "1", "-h")])
def test_help_is_recognised_anywhere(tokens: tuple[str, ...]) -> None:
    assert read_arguments(COMMAND, tokens) is None


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ((), "example needs EXPR, e.g. symgrad example x"),
        (("x", "y"), "example takes 1 EXPR, got 2: 'x', 'y'; put an expression in quotes"),
        (("x", "--strat", "1"), "example has no option --strat; did you mean --start?"),
        (("x", "--sta", "1"), "example has no option --sta"),
        (("x", "--start"), "--start needs a value; write --start V"),
        (("x", "--start", "--trace"), "--start needs a value; write --start V"),
        (("x", "--start", "1", "--start", "2"), "--start was given twice; give it once"),
        (("x", "--trace", "--trace"), "--trace was given twice; give it once"),
        (("x", "--trace=yes"), "--trace takes no value, got 'yes'; write --trace alone"),
        (("x", "--format", "pdf"), "--format: 'pdf' is not known; choose one of text, latex"),
        (("x", "--seed", "-1"), "--seed: got '-1', a whole number of at least 0 is needed, e.g. 50"),
        (("x", "--budget", "nan"), "--budget: got 'nan', a positive number of seconds is needed, e.g. 10"),
        (("x", "--budget", "0"), "--budget: got '0', a positive number of seconds is needed, e.g. 10"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tokens: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        read_arguments(COMMAND, tokens)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_common_options_may_stand_before_the_command() -> None:
    command, rest = find_command(["--json", "--seed", "3", "doctor"])
    arguments = read_arguments(command, rest)
    assert command.name == "doctor"
    assert arguments is not None
    assert (arguments.json, arguments.seed) == (True, 3)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "no command was given; the commands are"),
        (["--json"], "no command was given; the commands are"),
        (["doctr"], "there is no command 'doctr'; did you mean doctor?"),
        (["doc"], "there is no command 'doc'"),
    ],
)
def test_an_unknown_command_lists_the_known_ones(tokens: list[str], message: str) -> None:
    with pytest.raises(InputError, match="doctor") as refusal:
        find_command(tokens)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("name", commands())
def test_a_command_is_named_like_its_file_and_explains_itself(name: str) -> None:
    command = load(name)
    text = command.parser().format_help()
    assert command.name == name
    assert text.startswith(f"usage: symgrad {name}")
    assert command.summary in text
    assert all(option.flag in text for option in command.all_options)


@pytest.mark.parametrize("name", commands())
def test_no_option_is_defined_twice(name: str) -> None:
    flags = [option.flag for option in load(name).all_options]
    assert len(flags) == len(set(flags))


def test_an_option_defined_twice_would_be_noticed() -> None:
    doubled = Command("twice", "a planted fault", (*COMMAND.options, COMMAND.options[0]), _answer)
    with pytest.raises(argparse.ArgumentError, match="--start"):
        doubled.parser()
