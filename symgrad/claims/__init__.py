"""Claims: a statement, and what was done to prove or refute it."""

from symgrad.claims.annotations import annotated, note
from symgrad.claims.claim import Claim, check
from symgrad.claims.documents import SECONDS, Examined, Known, examine_document, open_document

__all__ = ["SECONDS", "Claim", "Examined", "Known", "annotated", "check", "examine_document", "note", "open_document"]
