"""``symgrad check``: the claims of a file, examined line by line."""

import argparse
import sys
from typing import TYPE_CHECKING

from symgrad.cli.answers import Answer, write_answer
from symgrad.cli.arguments import Command, Operand, Option
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.claims import Examined, Known
    from symgrad.cli.claim_files import Source
    from symgrad.parsing import Problem

REFUTED, UNREADABLE, UNDECIDED = 1, 2, 3
WORDS = ("proved", "certified", "supported", "undecided", "refuted")
CLAIM = Option("--claim", "TEXT", "a claim given here instead of a file", repeatable=True)
ANNOTATE = Option("--annotate", None, "write each verdict beside its line in the file, in place of an earlier one")
WATCH = Option("--watch", None, "examine the file again whenever it changes, until interrupted")


def check(arguments: argparse.Namespace) -> Answer:
    """Answer with the verdict of every claim, and with the lines that cannot be read."""
    from symgrad.cli.claim_files import Source, read_source, watch

    names: list[str] = arguments.operands
    if bool(names) == bool(arguments.claim):
        raise InputError('check needs either FILE (- for standard input) or --claim "TEXT", e.g. check notes.md')
    if (arguments.annotate or arguments.watch) and names[:1] in ([], ["-"]):
        raise InputError("--annotate and --watch need a file; give its name")
    if arguments.claim:
        return _answer(Source("--claim", "\n".join(arguments.claim).encode("utf-8", "surrogateescape")), arguments)[0]
    if not arguments.watch:
        return _answer(read_source(names[0]), arguments)[0]

    read_source(names[0])
    known: Known = {}

    def examine(source: Source) -> bytes:
        answer, left = _answer(source, arguments, known)
        write_answer(answer, json_wanted=arguments.json, stream=sys.stdout)
        sys.stdout.flush()
        return left

    def refuse(error: InputError) -> None:
        print(f"symgrad: {error}", file=sys.stderr, flush=True)

    watch(names[0], examine, refuse)
    raise KeyboardInterrupt


def _answer(source: "Source", arguments: argparse.Namespace, known: "Known | None" = None) -> "tuple[Answer, bytes]":
    """Examine a source; return the answer, and the bytes the file then holds."""
    from symgrad.budget import prepare

    prepare()  # the child imports SymPy while this process does

    from symgrad.claims import SECONDS, Examined, annotated, examine_document, open_document
    from symgrad.cli.claim_files import write_back

    document = open_document(source.text)
    if not document.links and not document.problems:
        raise InputError(f"{source.name!r} holds no claim; write e.g. diff(x**2, x) = 2*x on a line of its own")
    seconds = arguments.budget or SECONDS
    found = list(examine_document(document, seconds=seconds, seed=arguments.seed, known=known))
    examined = [one for one in found if isinstance(one, Examined)]
    problems = [*document.problems, *(one for one in found if not isinstance(one, Examined))]
    problems.sort(key=lambda problem: (problem.line, problem.column))
    left = source.data
    if arguments.annotate:
        left = source.with_text(annotated(source.text, [*examined, *problems]))
        if left != source.data:
            write_back(source, left)
    content = _content(source.name, examined, problems, document.undeclared)
    return Answer(content, _code(examined, problems), _text(content, examined, problems)), left


def _content(
    name: str, examined: "list[Examined]", problems: "list[Problem]", undeclared: tuple[str, ...]
) -> dict[str, object]:
    words = [one.evidence.verdict.word for one in examined]
    summary = {word: words.count(word) for word in WORDS}
    return {
        "status": _sentence(summary, problems),
        "file": name,
        "claims": [_row(one) for one in examined],
        "summary": summary,
        "errors": [{"line": p.line, "column": p.column, "message": p.message} for p in problems],
        "undeclared": list(undeclared),
    }


def _row(one: "Examined") -> dict[str, object]:
    evidence = one.evidence
    return {
        "line": one.link.line,
        "text": one.link.text,
        "verdict": evidence.verdict.word,
        "method": evidence.method,
        "counterexample": None if evidence.witness is None else dict(evidence.witness),
        "domain": list(evidence.domain),
    }


def _sentence(summary: dict[str, int], problems: "list[Problem]") -> str:
    total = sum(summary.values())
    parts = ", ".join(f"{count} {word}" for word, count in summary.items() if count)
    sentence = f"{total} claim{'' if total == 1 else 's'}{': ' if parts else ''}{parts}"
    lines = len({problem.line for problem in problems})
    return f"{sentence}; {lines} line{'' if lines == 1 else 's'} cannot be read." if lines else f"{sentence}."


def _code(examined: "list[Examined]", problems: "list[Problem]") -> int:
    """Return the exit code: a refutation first, then a line that cannot be read, then what is undecided."""
    words = {one.evidence.verdict.word for one in examined}
    if "refuted" in words:
        return REFUTED
    if problems:
        return UNREADABLE
    return UNDECIDED if "undecided" in words else 0


def _text(content: dict[str, object], examined: "list[Examined]", problems: "list[Problem]") -> str:
    """Return one paragraph for each line: the verdict and the claim, then what it rests on."""
    from symgrad.claims import note

    rows = [(one.link.line, one.evidence.verdict.word, one.link.text, note(one)) for one in examined]
    rows += [(p.line, "error", note(p) + _place(p), "") for p in problems]
    lines = [str(content["status"])]
    for number, word, text, reason in sorted(rows, key=lambda row: row[0]):
        lines.append(f"{number:>5}  {word:<9}  {text}")
        if reason:
            lines.append(f"{'':>18}{reason.removeprefix(word).lstrip(': ')}")
    if content["undeclared"]:
        names = ", ".join(content["undeclared"]) if isinstance(content["undeclared"], list) else ""
        lines.append(f"Taken as real, since no let declares them: {names}.")
    return "\n".join(lines)


def _place(problem: "Problem") -> str:
    return "" if "(column " in problem.message else f" (column {problem.column})"


COMMAND = Command(
    name="check",
    summary="examine the claims of a file, or one claim, line by line",
    options=(CLAIM, ANNOTATE, WATCH),
    run=check,
    operand=Operand("[FILE | -]", "a plain file of claims, or a Markdown file with ```symgrad fences", 0, 1),
    example='symgrad check --claim "diff(tanh(x), x) = 1 - tanh(x)**2"',
)
