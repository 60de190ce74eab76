"""Verdicts written beside the lines of a file, as comments that a later run replaces."""

from collections.abc import Iterable

from symgrad.claims.documents import Examined
from symgrad.evidence import Verdict
from symgrad.parsing import NOTE, Problem, claim_lines


def annotated(text: str, found: Iterable[Examined | Problem]) -> str:
    r"""Return the text of a file with what was found beside each line; notes of an earlier run are replaced.

    Parameters
    ----------
    text : the whole file, plain or Markdown
    found : what ``examine_document`` found, and the problems of the document

    Examples
    --------
    >>> from symgrad.parsing import Problem
    >>> annotated("x = \n", [Problem(1, 3, "something is missing after '='")])
    "x =  #> not read: something is missing after '='\n"
    """
    notes: dict[int, list[str]] = {}
    for one in found:
        place = one.line if isinstance(one, Problem) else one.link.line
        notes.setdefault(place, []).append(note(one))
    lines = text.split("\n")
    for line in claim_lines(text):
        end = "\r" if lines[line.number - 1].endswith("\r") else ""
        kept = line.without_note
        if line.number in notes:
            kept = f"{kept.rstrip()}  {NOTE} {' | '.join(notes[line.number])}"
        lines[line.number - 1] = kept + end
    return "\n".join(lines)


def note(found: Examined | Problem) -> str:
    """Return what was found about one link in one line of text."""
    if isinstance(found, Problem):
        message = " ".join(found.message.split())
        return message if message.startswith("not examined") else f"not read: {message}"
    evidence = found.evidence
    place = ""
    if evidence.witness:
        place = " at " + ", ".join(f"{name} = {value}" for name, value in evidence.witness.items())
    elif evidence.domain and evidence.verdict is not Verdict.REFUTED:
        place = f" for {', '.join(evidence.domain)}"
    return " ".join(f"{evidence.verdict.word}{place}: {evidence.method}".split())
