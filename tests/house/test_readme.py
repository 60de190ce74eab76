"""The README: two set-up commands, examples that run, links that lead somewhere."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from symgrad.cli.arguments import find_command, read_arguments

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_there_are_exactly_two_set_up_commands_of_one_line() -> None:
    report, tests = [block.strip() for block in blocks(README, "sh")]
    assert "\n" not in report + tests
    assert report.endswith("symgrad report")
    assert "-m pytest" in tests
    assert all(command.startswith("python3 -m venv .venv && ") for command in (report, tests))


def test_python_examples_run() -> None:
    for number, block in enumerate(blocks(README, "python")):
        parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        examples = parser.get_doctest(block, {}, f"README block {number}", "README.md", 0)
        assert examples.examples, "a ```python block is a dialogue with >>>, so that it can be run"
        assert runner.run(examples).failed == 0


def test_a_false_example_would_be_noticed() -> None:
    examples = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "planted", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(examples, out=lambda text: None).failed == 1


COMMANDS = [line[2:] for block in blocks(README, "console") for line in block.splitlines() if line.startswith("$ ")]


def test_the_readme_shows_commands() -> None:
    assert any(line.startswith("symgrad ") for line in COMMANDS)


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_shown_is_one_that_symgrad_reads(line: str) -> None:
    program, *tokens = shlex.split(line)
    assert program == "symgrad"
    assert read_arguments(*find_command(tokens)) is not None


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert "://" in target or (ROOT / target).exists(), target
