"""Cutting an answer into sentences: its own words, in order, with list items and headings as pieces of their own.

A language model's answer is no paper: it comes in paragraphs of one line each, in lists, in markdown. Every line is cut
by itself, so that an item never runs into the next; within a line the rules for papers hold ('et al.', decimals).
"""

import re

from quoth.papers.sentences import sentences

_NUMBERED = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z])[.)]\s+")
_RULE = re.compile(r"[\s*_#=|-]*")
_FENCE = re.compile(r"\s*(?:```|~~~)\w*\s*")


def sentences_of(answer: str) -> list[str]:
    """The sentences of an answer, verbatim and in order, without the white space around them.

    A list item or a heading starts a new one, its mark included; lines that hold no word (rules, fences) are left out.
    """
    found: list[str] = []
    for line in answer.splitlines():
        if not _RULE.fullmatch(line) and not _FENCE.fullmatch(line):
            found += _of_line(line.strip())
    return found


def _of_line(line: str) -> list[str]:
    """The sentences of one line; the number of a list item stays with its words."""
    mark = _NUMBERED.match(line)
    skipped = mark.end() if mark else 0
    pieces = [line[skipped + start : skipped + end] for start, end in sentences(line[skipped:])]
    return [line[:skipped] + pieces[0], *pieces[1:]] if pieces else [line]
