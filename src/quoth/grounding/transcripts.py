"""Takes raw transcripts apart: the prompt with its instruction, the context and the question, and the answer to it.

What is told apart are marks at the start of a line, as prompts of the classic form have them: LangChain's 'Use the
following pieces of context ...', then the context, 'Question:' and 'Helpful Answer:'; its variant with the question
before 'Context:'; LlamaIndex's 'Context information is below.' between rules; chats with 'Human:' and 'AI:' or a
model's own tokens. A prompt may hold a second one in its question (`Question: %INSTRUCTIONS ... Query: "..."`), and may
be printed twice. The three parts are returned as they stand there, without the white space around them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quoth.errors import AuditError

_LEAD = r"^[ \t]*+[#*_>%]*+[ \t]*+"
_COLON = r"(?:[ ]?\([^()\n]{1,200}\))?[*_]{0,2}[ ]?:{1,3}[*_]{0,2}"
_TOKEN = r"<\|(?:start_header_id\|>{0}<\|end_header_id|im_start\|>{0}\b|{0}\|>)"


def _marks(words: str, role: str) -> re.Pattern[str]:
    token = _TOKEN.replace("{0}", role)
    return re.compile(rf"{_LEAD}(?:{words}){_COLON}|{token}(?:\|>)?", re.MULTILINE)


_QUESTION = _marks(r"(?:User )?(?:Question|QUESTION|Query|QUERY)", "user")
_ANSWER = _marks(r"(?:[A-Z][a-z]+ )?(?:Answer|ANSWER|Response|RESPONSE)", "assistant")
_ANSWER_OF_CHAT = re.compile(_ANSWER.pattern + r"|\[/INST\]", re.MULTILINE)
_HELPFUL = _marks("Helpful Answer", "assistant")
_CONTEXT = re.compile(
    rf"{_LEAD}(?:[A-Z][a-z]+ )?(?:Contexts?|CONTEXT|Passages|Documents|Sources|Excerpts){_COLON}"
    rf"|^[ \t]*Context information is below\.?",
    re.MULTILINE,
)
_SPEAKER = _marks("Human|HUMAN|User|USER|Q", "user")
_REPLY = re.compile(_marks("AI|Assistant|ASSISTANT|Bot|A", "assistant").pattern + r"|\[/INST\]", re.MULTILINE)

_INSTRUCTION = re.compile(
    r"\b(?:use|using|given|based (?:only |solely )?on|from|with) (?:only )?(?:the|these|this) (?:\w+ ){0,4}"
    r"(?:context|passages|documents|sources|excerpts|information)\b(?=.{0,300}\b(?:answer|question|query|respond|reply))"
    r"|\b(?:answer|respond)\b.{0,100}\b(?:the|following|this|provided|given|retrieved) (?:context|passages|excerpts)\b"
    r"|\byou (?:don['’]t|do not) know\b|\bmake up an? answer\b|\bprior knowledge\b|^%?\s*INSTRUCTIONS?\b"
    r"|\byou are an? .{0,80}\b(?:assistant|expert|chatbot|model)\b|\bsentences maximum\b|\bkeep the answer\b"
    r"|\bprovide your answer\b",
    re.IGNORECASE,
)
_STOPS = (".", ":", "!", "?", ")", "]")
_HEAD = 3000  # where in a prompt the instruction before its context ends at the latest
_RULE = re.compile(r"[-=_*#~`'\"]{3,}")
_TOKENS = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?s>|\[/?INST\]|<<?/?SYS>>?")
_PLACEHOLDER = re.compile(r"[(\[{<][^()\[\]{}<>]{0,200}[)\]}>]")
_QUOTES = ' \t\n\r"“”«»*_`'


@dataclass(frozen=True, slots=True)
class Transcript:
    """The three parts of a transcript."""

    question: str
    context: str
    answer: str


def take_apart(text: str) -> list[Transcript]:
    """Every prompt of a text that has an answer, in order: usually one.

    Raises:
        AuditError: there is none; the message says what was looked for.
    """
    found: list[Transcript] = []
    fault: AuditError | None = None
    for prompt in _prompts(text):
        try:
            found.append(_parts(prompt))
        except AuditError as error:
            fault = error
    if not found and fault is not None:
        raise fault
    return found


def _prompts(text: str) -> list[str]:
    """The text, cut where its first line, an instruction, stands again."""
    opening = text.lstrip("\ufeff \t\r\n").partition("\n")[0].rstrip()
    if len(opening) < 40 or not _INSTRUCTION.search(opening):
        return [text]
    return [opening + part for part in text.split(opening)[1:]]


def _parts(text: str) -> Transcript:
    """One prompt and its answer."""
    fault: AuditError | None = None
    for questions, answers in ((_QUESTION, _ANSWER_OF_CHAT), (_SPEAKER, _REPLY)):
        asked = list(questions.finditer(text))
        if not asked:
            continue
        try:
            return _question_first(text, asked[0], answers) or _context_first(text, asked, answers)
        except AuditError as error:
            fault = fault or error
    raise fault or AuditError(
        "cannot be taken apart into context, question and answer: no line starts with 'Question:', 'Query:' or "
        "'Human:'. Give the whole prompt with its answer, or JSON lines with question, context and answer"
    )


def _question_first(text: str, asked: re.Match[str], answers: re.Pattern[str]) -> Transcript | None:
    """A prompt whose context follows its question: 'Question: ... Context: ... Answer: ...'; None where it is none."""
    first = answers.search(text, asked.end())
    labelled = _CONTEXT.search(text, asked.end(), first.start() if first else len(text))
    if not labelled or labelled.start() - asked.end() > _HEAD:
        return None
    start, end = _answer(text, labelled.end(), answers)
    question = _question(text[asked.end() : labelled.start()])
    return _transcript(question, text[labelled.end() : start], text[end:])


def _context_first(text: str, asked: Sequence[re.Match[str]], answers: re.Pattern[str]) -> Transcript:
    """A prompt whose question follows its context: 'Use the following ... Question: ... Helpful Answer: ...'."""
    mark = _asked(text, asked)
    start, end = _answer(text, mark.end(), answers)
    tail = text[mark.end() : start]
    inner = [match.end() for match in _QUESTION.finditer(tail)]
    question = _question(tail[inner[-1] :] if inner else tail)
    prompt = _without_instruction(text[: mark.start()])
    return _transcript(question, prompt[_instructed(prompt) :], text[end:])


def _transcript(question: str, context: str, answer: str) -> Transcript:
    if not question:
        raise AuditError("has no words after 'Question:' (or 'Query:')")
    return Transcript(question, _without_instruction(context), _answered(answer))


def _asked(text: str, asked: Sequence[re.Match[str]]) -> re.Match[str]:
    """The mark of the question proper: context may hold such marks before it, a model's answer after it.

    Where 'Helpful Answer:' tells the answer for sure it is the last mark before it, and else the first one. A question
    that stands inside instructions, themselves asked as a question, begins where those begin.
    """
    helpful = _HELPFUL.search(text, asked[0].end())
    if not helpful:
        return asked[0]
    before = [mark for mark in asked if mark.end() <= helpful.start()]
    while len(before) > 1 and _INSTRUCTION.search(text, before[-2].end(), before[-1].start()):
        before.pop()
    return before[-1]


def _answer(text: str, start: int, answers: re.Pattern[str]) -> tuple[int, int]:
    """Where the first mark of an answer after `start` begins, and where the answer itself does.

    Between the two may stand what shows a model the form of its answer, and a question that the model repeats.
    """
    marks = list(answers.finditer(text, start))
    if not marks:
        raise AuditError("has no answer: after its question no line starts with 'Helpful Answer:', 'Answer:' or 'AI:'")
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    helpful = next((at for at, mark in enumerate(marks) if _HELPFUL.fullmatch(mark.group())), 0)
    for mark, end in list(zip(marks, ends, strict=True))[helpful:]:
        given = _TOKENS.sub(" ", text[mark.end() : end]).strip()
        if given and not _PLACEHOLDER.fullmatch(given) and not (end < len(text) and _QUESTION.match(given)):
            return marks[0].start(), mark.end()
    raise AuditError(f"has no answer: no words after '{marks[-1].group().strip()}'")


def _answered(text: str) -> str:
    """An answer without the marks that end it and without the next prompt that a model made up itself."""
    again = re.compile(rf"{_QUESTION.pattern}|^%?INSTRUCTIONS\b", re.MULTILINE).search(text)
    if again and text[: again.start()].strip():
        text = text[: again.start()]
    marks = [*_ANSWER.finditer(text), *_TOKENS.finditer(text)]
    for mark in sorted(marks, key=lambda mark: mark.start(), reverse=True):
        if text[mark.end() :].strip():
            break
        text = text[: mark.start()]
    return _stripped(text)


def _question(text: str) -> str:
    """The question in what stands between its mark and the answer's: its first paragraph, or the first that asks."""
    paragraphs = [_TOKENS.sub(" ", part).strip() for part in re.split(r"\n[ \t\r]*\n", text)]
    paragraphs = [part for part in paragraphs if part and not _RULE.fullmatch(part)]
    plain = [part for part in paragraphs if not _INSTRUCTION.search(part)] or paragraphs
    asking = [part for part in plain if "?" in part]
    return " ".join((asking or plain or [""])[0].strip(_QUOTES).split())


def _instructed(prompt: str) -> int:
    """Where in what stands before a question the instruction ends and the context begins."""
    lines = list(_lines(prompt[:_HEAD]))
    told = [at for at, (start, end) in enumerate(lines) if _INSTRUCTION.search(prompt[start:end])]
    begin = 0
    if told:
        at = told[-1]
        while at + 1 < len(lines) and not prompt[slice(*lines[at])].rstrip().endswith(_STOPS):
            if not prompt[slice(*lines[at + 1])].strip()[:1].islower():
                break
            at += 1  # the instruction was wrapped
        begin = lines[at][1]
    labelled = _CONTEXT.search(prompt, begin)  # further down it may be the 'Context:' of a structured abstract
    return labelled.end() if labelled and not _without_instruction(prompt[begin : labelled.start()]) else begin


def _without_instruction(text: str) -> str:
    """Context without rules and tokens around it, and without what a prompt says between it and the question."""
    start, end = 0, len(text)
    lines = list(_lines(text))
    while lines and _is_frame(text[slice(*lines[0])]):
        start = lines.pop(0)[1]
    while lines and (_is_frame(last := text[slice(*lines[-1])]) or _INSTRUCTION.search(last)):
        end = lines.pop()[0]
    return _stripped(text[start:end])


def _is_frame(line: str) -> bool:
    bare = _TOKENS.sub("", line).strip()
    return not bare or bool(_RULE.fullmatch(bare))


def _stripped(text: str) -> str:
    """Text without white space and tokens around it."""
    start, end = 0, len(text)
    for mark in _TOKENS.finditer(text):
        if text[start : mark.start()].strip():
            break
        start = mark.end()
    for mark in reversed(list(_TOKENS.finditer(text, start))):
        if text[mark.end() : end].strip():
            break
        end = mark.start()
    return text[start:end].strip()


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, start + len(line)
        start += len(line)
