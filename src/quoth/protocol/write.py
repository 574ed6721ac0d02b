"""Fresh study files and codebooks, written for people to read and change."""

import json
from collections.abc import Iterable, Sequence

from quoth.vocabulary import Kind, Question

_STUDY = """\
# A study of quoth: what is asked of which papers, and who answers.
# Lines that start with '#' are notes, or examples that wait for their '#' to be taken away.

[study]
title = {title}
{codebook}
papers = "papers"                  # the folder of the PDFs: NAME.pdf is a paper, and so is a folder NAME of PDFs
ledger = "sqlite:///.quoth/ledger.db"   # where quoth keeps what was found

[retrieval]
characters = 3000                  # how much of a paper a reader is shown for each question

[reading]
max_pages = 500                    # a longer file is listed as not readable
seconds_per_paper = 120            # a paper that takes longer is given up; the next run tries it again
memory_mb = 2000                   # so is one that needs more memory (on Linux)
# ocr = "needed"                   # read scans by OCR, and do not run without it; "off": never; without this line,
                                   # where it is installed (pip install 'quoth[ocr]')
# seconds_per_ocr_page = 60        # what each page that OCR reads may take beyond seconds_per_paper
# workers = 4                      # papers read at the same time; without this line, one for each core

# Who answers. The embedded reader runs on this computer and costs nothing. Readers are added with further [[reader]].
[[reader]]
name = "embedded"
type = "embedded"

# How the readers' findings become one decision for each paper and question.
[quorum]
rule = "majority"                  # majority, weighted, dawid-skene or evidence
ties = "undecided"                 # undecided or not_reported
minimum_votes = 1

# [budget]                         # where a run stops asking readers that cost money
# max_cost_usd = 20.0
# max_tokens = 50000000

{questions}"""

_EXAMPLE = """\
# Questions of your own are added to those of the codebook; one with an id of the codebook takes that question's place.
# [[question]]
# id = "code"
# label = "Source code"
# text = "Where can the source code of the work be obtained?"
# kind = "link"                    # text, choice, number or link
# guidance = "A link or the name of an archive. 'On request' does not count."
"""

_CODEBOOK = """\
# A codebook of quoth: the questions that are asked of every paper.

[codebook]
name = {name}
title = {title}
version = "1.0"

{questions}"""


def study_toml(title: str, codebook: str | None, questions: Sequence[Question] = ()) -> str:
    """The text of a new study.toml that explains itself.

    `codebook` is a bundled name or a path relative to the file; None for a study with no questions but `questions`.
    """
    if codebook is None:
        named = '# codebook = "dl-methods"          # a bundled codebook or a file, to ask its questions too'
    else:
        named = f"codebook = {_text(codebook)}".ljust(34) + " # the questions: a bundled codebook or a file"
    own = _tables(questions) if questions else _EXAMPLE
    return _STUDY.format(title=_text(title), codebook=named, questions=own)


def codebook_toml(name: str, title: str, questions: Sequence[Question]) -> str:
    """The text of a codebook of these questions; `name` is a short identifier."""
    return _CODEBOOK.format(name=_text(name), title=_text(title), questions=_tables(questions))


def _tables(questions: Iterable[Question]) -> str:
    return "\n".join(_table(question) for question in questions)


def _table(question: Question) -> str:
    lines = [
        "[[question]]",
        f"id = {_text(question.id)}",
        f"label = {_text(question.label)}",
        f"text = {_text(question.text)}",
        f"kind = {_text(question.kind.value)}",
    ]
    if question.guidance:
        lines.append(f"guidance = {_text(question.guidance)}")
    if question.kind is Kind.CHOICE:
        lines.append(f"choices = [{', '.join(map(_text, question.choices))}]")
    if question.unit is not None:
        lines.append(f"unit = {_text(question.unit)}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML basic string: JSON's, but for the one control character that JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
