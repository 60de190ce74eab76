"""The README: two set-up commands, examples whose output is real, links that lead somewhere."""

import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from symgrad.cli import main
from symgrad.cli.arguments import commands, find_command, read_arguments

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"(?<![A-Za-z_\d.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_there_are_exactly_two_set_up_commands_of_one_line() -> None:
    report, tests = [block.strip() for block in blocks(README, "sh")]
    assert "\n" not in report + tests
    assert report.endswith("symgrad report")
    assert "-m pytest" in tests
    assert all(command.startswith("python3 -m venv .venv && ") for command in (report, tests))


def run_dialogue(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a dialogue with >>> in a process of its own, so that what it registers stays there."""
    file = folder / "dialogue.txt"
    file.write_text(text, encoding="utf-8")
    code = (
        "import doctest, sys\n"
        f"found = doctest.testfile({str(file)!r}, module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)\n"
        "print(found.attempted, 'examples')\n"
        "sys.exit(found.failed or not found.attempted)\n"
    )
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)


def test_python_examples_run(tmp_path: Path) -> None:
    dialogue = blocks(README, "python")
    assert all(block.startswith(">>> ") for block in dialogue)
    done = run_dialogue("\n".join(dialogue), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", [">>> 1 + 1\n3\n", "no example at all\n"])
def test_a_false_example_would_be_noticed(tmp_path: Path, text: str) -> None:
    assert run_dialogue(text, tmp_path).returncode == 1


def shown_commands(text: str) -> list[tuple[str, str]]:
    """Return each command line with the output shown below it, which may be empty."""
    parts = [part for block in blocks(text, "console") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(line, output) for line, _, output in (part.partition("\n") for part in parts)]


COMMANDS = shown_commands(README)


def test_the_readme_shows_commands_with_their_output() -> None:
    assert {shlex.split(line)[1] for line, output in COMMANDS if output} >= {"derive", "evaluate", "regimes"}


def same_output(shown: str, printed: str) -> bool:
    """Say whether two outputs agree word for word, and in their numbers to nine digits."""
    if [line.split() for line in NUMBER.sub("#", shown).splitlines()] != [
        line.split() for line in NUMBER.sub("#", printed).splitlines()
    ]:
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(abs(Decimal(a) - Decimal(b)) <= abs(Decimal(b)) * Decimal("1e-9") for a, b in pairs)


@pytest.mark.parametrize(("line", "output"), COMMANDS, ids=[line[:40] for line, _ in COMMANDS])
def test_each_command_prints_what_the_readme_shows(
    line: str, output: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *tokens = shlex.split(line)
    assert program == "symgrad"
    assert read_arguments(*find_command(tokens)) is not None
    if output:
        monkeypatch.chdir(tmp_path)
        assert main(tokens) == int(" refuted.\n" in output)
        assert same_output(output, capsys.readouterr().out)


def test_a_false_output_would_be_noticed() -> None:
    text = "```console\n$ symgrad one\nstate  1.25\n$ symgrad two\n```\n"
    assert shown_commands(text) == [("symgrad one", "state  1.25\n"), ("symgrad two", "")]
    assert same_output("state  1.25\n", "state 1.2500000000001\n")
    assert not same_output("state  1.25\n", "state  1.26\n")
    assert not same_output("state  1.25\n", "loss  1.25\n")
    assert not same_output("log 2e-4796\n", "log 3e-4796\n")
    assert not same_output("state  1.25\n", "state  1.25\nrate  2\n")


def test_every_command_is_in_the_table() -> None:
    assert re.findall(r"^\| `symgrad (\w+)", README, re.MULTILINE) == sorted(
        commands(), key=lambda name: README.index(f"| `symgrad {name}")
    )


def test_the_analysis_shown_writes_a_report(tmp_path: Path) -> None:
    (source,) = blocks(README, "py")
    (tmp_path / "quarter.py").write_text(source, encoding="utf-8")
    tokens = ["report", "quarter.py", "--scale", "quick", "--out", "out"]
    done = subprocess.run([sys.executable, "-m", "symgrad", *tokens], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    written = (tmp_path / "out" / "quarter.md").read_text(encoding="utf-8")
    assert "For |w| &lt; 4 the chain product vanishes" in written
    assert len(list((tmp_path / "out" / "figures").iterdir())) == 1


def dead_links(text: str, root: Path) -> list[str]:
    """Return the relative links that lead nowhere."""
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    return [target for target in targets if "://" not in target and not (root / target).exists()]


def test_links_lead_to_files() -> None:
    assert dead_links(README, ROOT) == []


def test_a_dead_link_would_be_noticed(tmp_path: Path) -> None:
    assert dead_links("[a](https://example.org) [b](b.md) ![c](c.svg)", tmp_path) == ["b.md", "c.svg"]
