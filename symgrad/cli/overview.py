"""What ``symgrad --help`` prints, put together without importing a command."""

import os

FOLDER = os.path.join(os.path.dirname(__file__), "commands")
MARK, END = '\n    summary="', '",\n'


def commands() -> list[str]:
    """Return the names of the commands, one for each file of the folder ``commands``."""
    names = (os.path.splitext(entry) for entry in os.listdir(FOLDER))
    return sorted(stem for stem, suffix in names if suffix == ".py" and stem != "__init__")


def summary_of(name: str) -> str:
    """Return the summary that a command states, as it is written in its file; importing all would cost 40 ms.

    >>> summary_of("evaluate")
    'evaluate state, chain product, loss and gradient at one point'
    """
    with open(os.path.join(FOLDER, f"{name}.py"), encoding="utf-8") as file:
        _, found, rest = file.read().partition(MARK)
    summary, ended, _ = rest.partition(END)
    if not (found and ended) or "\n" in summary or "\\" in summary:
        from symgrad.cli.arguments import load

        return load(name).summary
    return summary


def command_line_help() -> str:
    """Return what ``symgrad --help`` prints."""
    rows = [(name, summary_of(name)) for name in commands()]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {summary}" for name, summary in rows]
    return "\n".join(
        [
            "usage: symgrad COMMAND [arguments] [--json]",
            "",
            "Chain products and gradients of deep compositions: exact formulas, and what becomes of them with depth.",
            "",
            "commands:",
            *lines,
            "",
            "symgrad COMMAND --help explains a command; symgrad --version prints the version.",
            "exit codes: 0 done, 1 refuted, 2 unusable input, 3 undecided, 70 a defect in symgrad, 130 interrupted",
        ]
    )
