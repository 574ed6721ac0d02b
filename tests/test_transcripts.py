"""Prompts of many dialects, taken apart; what cannot be is told in words, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.errors import AuditError
from quoth.grounding.transcripts import Transcript, take_apart

CONTEXT = "Nets were set at dusk at  two ponds, as the per-\nmit asked.\n\nWe caught 51 bats of six species (Table 2)."
QUESTION = "How many bats were caught?"
ANSWER = "They caught 51 bats.\n\nThey were of six species."
KNOW = "If you don't know the answer, just say that you don't know, don't try to make up an answer."
STUFF = f"Use the following pieces of context to answer the question at the end. {KNOW}"

PROMPTS = {
    "LangChain, classic": """\
[STUFF]

[CONTEXT]

Question: [QUESTION]
Helpful Answer: [ANSWER]""",
    "instruction wrapped": """\
Use the following pieces of context to answer the question at the end. If you
don't know the answer, just say that you don't know, don't try to make up
an answer.

[CONTEXT]

Question: [QUESTION]
Helpful Answer: [ANSWER]""",
    "a prompt inside the question": """\
[STUFF]

[CONTEXT]

Question: %INSTRUCTIONS:
Use the provided pieces of context to answer the query in less than 300 words. [KNOW]

%Query
Query: "[QUESTION]"

Provide your answer as follows:

Answer:::
Answer: (provide your answer to query in less than 300 words)

Answer:::

Helpful Answer:

[ANSWER]""",
    "the form of the answer repeated": """\
[STUFF]

[CONTEXT]

Question: [QUESTION]
Helpful Answer:
Question: [QUESTION]
Answer:::
Answer: [ANSWER]

Answer:::""",
    "LangChain, hub": """\
You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer the \
question. [KNOW] Use three sentences maximum and keep the answer concise.
Question: [QUESTION]\x20
Context: [CONTEXT]\x20
Answer: [ANSWER]""",
    "LangChain, chat": """\
System: Use the following pieces of context to answer the user's question.\x20
[KNOW]
----------------
[CONTEXT]
Human: [QUESTION]
AI: [ANSWER]""",
    "LlamaIndex": """\
Context information is below.
---------------------
[CONTEXT]
---------------------
Given the context information and not prior knowledge, answer the query.
Query: [QUESTION]
Answer: [ANSWER]""",
    "PaperQA": """\
Answer the question below with the context.

Context (with relevance scores):

[CONTEXT]

----

Question: [QUESTION]

Write an answer based on the context. If the context provides insufficient information reply that you cannot answer.

Answer (about 200 words, but can be longer): [ANSWER]""",
    "Mistral": """\
<s>[INST] [STUFF]

[CONTEXT]

Question: [QUESTION]
Helpful Answer: [/INST] [ANSWER]</s>""",
    "Llama 3": """\
<|begin_of_text|><|start_header_id|>system<|end_header_id|>

[STUFF]

[CONTEXT]<|eot_id|><|start_header_id|>user<|end_header_id|>

[QUESTION]<|eot_id|><|start_header_id|>assistant<|end_header_id|>

[ANSWER]<|eot_id|>""",
    "ChatML": """\
<|im_start|>system
[STUFF]

[CONTEXT]<|im_end|>
<|im_start|>user
[QUESTION]<|im_end|>
<|im_start|>assistant
[ANSWER]<|im_end|>""",
    "markdown": """\
### Instruction
[STUFF]

### Context:
[CONTEXT]

### Question:
[QUESTION]

### Answer:
[ANSWER]""",
    "no instruction": """\
[CONTEXT]

Q: [QUESTION]
A: [ANSWER]""",
}


def prompt_of(form: str, context: str = CONTEXT, question: str = QUESTION, answer: str = ANSWER) -> str:
    filled = {"STUFF": STUFF, "KNOW": KNOW, "CONTEXT": context, "QUESTION": question, "ANSWER": answer}
    text = PROMPTS[form]
    for name, words in filled.items():
        text = text.replace(f"[{name}]", words)
    return text


CLASSIC = prompt_of("LangChain, classic")


@pytest.mark.parametrize("form", PROMPTS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_prompts_of_many_dialects_are_taken_apart(form: str, newline: str) -> None:
    found = take_apart(prompt_of(form).replace("\n", newline))
    wanted = (part.replace("\n", newline) for part in (QUESTION, CONTEXT, ANSWER))
    assert found == [Transcript(*wanted)]


def test_a_prompt_printed_twice_counts_once() -> None:
    prompt = CLASSIC.removesuffix(f" {ANSWER}")
    assert take_apart(f"{prompt}\n\n{prompt} {ANSWER}") == [Transcript(QUESTION, CONTEXT, ANSWER)]


def test_a_file_may_hold_several_prompts_with_answers() -> None:
    one = CLASSIC
    other = one.replace("51 bats", "17 bats")
    assert [found.answer for found in take_apart(f"{one}\n\n{other}\n")] == [ANSWER, ANSWER.replace("51", "17")]


def test_the_next_question_that_a_model_asks_itself_is_not_its_answer() -> None:
    text = CLASSIC + "\n\nQuestion: How many owls?\nHelpful Answer: None."
    assert take_apart(text) == [Transcript(QUESTION, CONTEXT, ANSWER)]


def test_marks_inside_the_context_do_not_end_it() -> None:
    context = "Question: people were asked for bats.\nAnswer: most had seen some.\n\nContext: ponds.\n" + CONTEXT
    assert take_apart(prompt_of("LangChain, classic", context)) == [Transcript(QUESTION, context, ANSWER)]


def test_sources_named_behind_an_answer_are_no_context() -> None:
    answer = f"{ANSWER}\n\nSources: bats.pdf\nContext: page 3"
    assert take_apart(prompt_of("LangChain, classic", answer=answer)) == [Transcript(QUESTION, CONTEXT, answer)]


def test_a_prompt_may_have_found_no_context() -> None:
    assert take_apart(prompt_of("LangChain, classic", context="")) == [Transcript(QUESTION, "", ANSWER)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Bats are mammals.", "no line starts with 'Question:'"),
        (CLASSIC.partition("Helpful")[0], "no line starts with 'Helpful Answer:'"),
        (CLASSIC.removesuffix(ANSWER), "no words after 'Helpful Answer:'"),
        (prompt_of("LangChain, classic", question=""), "no words after 'Question:'"),
    ],
)
def test_what_cannot_be_taken_apart_says_what_was_looked_for(text: str, told: str) -> None:
    with pytest.raises(AuditError, match=told):
        take_apart(text)


_MARKS = (
    'Question: Query: Answer::: Context: Human: AI: [/INST] <|eot_id|> %INSTRUCTIONS ---- (answer) bats ? ** "'.split()
)
_WORDS = st.sampled_from([*_MARKS, STUFF, "Helpful Answer:", "\n", "\n\n", " ", "\r\n", "\x0c", "\u2028"])


@given(st.lists(_WORDS | st.text(max_size=20), max_size=40).map("".join))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    try:
        found = take_apart(text)
    except AuditError:
        return
    assert found
    for one in found:
        assert one.question
        assert one.answer
        assert one.context in text
        assert one.answer in text
