"""The classic style: what is cut off a reply, and where its verdict and its quotes come from."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import quoth as api
from conftest import SmallStudy
from misbehaving import Seen, Server, says
from quoth.readers.classic import answer_of
from quoth.vocabulary import Finding, Verdict
from test_report import Page

PROOF = "On twelve sites kept apart, macro F1 was 0.88 and the network found 93.1% of the lynx at a precision of 0.90."
QUESTION = "Which camera took the pictures?"
FORM = "Give your answer like this:\n\nAnswer:::\nAnswer: (your answer, in fewer than 400 words)\nAnswer:::"
PROMPT = f"Answer the question at the end.\n\nSome context.\n\nQuestion: {QUESTION}\n\n{FORM}"
TOLD = "It was a trail camera.\n\nThe paper names its maker too."


@pytest.mark.parametrize(
    "reply",
    [
        TOLD,
        f"Answer:::\nAnswer: {TOLD}\nAnswer:::",
        f"Answer::: {TOLD}",
        f"**Answer:** {TOLD}",
        f"Helpful Answer: {TOLD}",
        f"{PROMPT}\n\nHelpful Answer:\n{TOLD}",
        f"{PROMPT}\n{TOLD}",
        f"Some of the prompt.\nQuestion: {QUESTION}\nHelpful Answer:\n\n{TOLD}",
        f"<think>Which camera? Answer: hm.</think>Answer:::\nAnswer: {TOLD}",
        f"{TOLD}\n\nAnswer:::",
        f"{TOLD}\n\n{PROMPT}",
    ],
)
def test_markers_and_repetitions_are_cut_away(reply: str) -> None:
    assert answer_of(reply, PROMPT, QUESTION) == TOLD


@given(st.lists(st.sampled_from(["Answer:::", "Answer:", "Helpful Answer:", PROMPT, FORM, "\n", " "])), st.integers(0))
def test_no_marker_costs_an_answer(parts: list[str], place: int) -> None:
    words = "It was a trail camera."
    at = place % (len(parts) + 1)
    reply = "\n".join([*parts[:at], words, *parts[at:]])
    assert words in answer_of(reply, PROMPT, QUESTION)


def classic(url: str) -> str:
    return f'\n[[reader]]\nname = "m"\ntype = "chat"\nbase_url = "{url}"\nmodel = "tiny"\nstyle = "classic"\n'


def asked(small_study: SmallStudy, text: str) -> tuple[Finding, Path, list[Seen]]:
    """What becomes of an answer to the question about metrics, the paper, and what the server was asked."""
    with Server(lambda number, seen: says(text)) as server:
        folder = small_study(more=classic(server.url))
        with api.open(folder) as study:
            study.run(readers=["m"], questions=["metrics"])
            (finding,) = (stored.finding for stored in study.current())
            return finding, folder, server.seen


def test_a_supported_answer_is_reported_with_its_evidence_and_its_audit(small_study: SmallStudy) -> None:
    finding, folder, seen = asked(small_study, f"Answer:::\nAnswer: {PROOF}\nAnswer:::")
    assert finding.verdict is Verdict.REPORTED, (finding.answer, finding.quotes)
    assert finding.quotes
    assert finding.answer == finding.quotes[0].text == PROOF
    (request,) = seen
    assert "response_format" not in request.body
    with closing(sqlite3.connect(folder / ".quoth" / "ledger.db")) as connection:
        ((item, verdict, sentences),) = connection.execute("select item, verdict, sentences from audits").fetchall()
    assert (item, verdict) == ("lynx-camera-traps/metrics/m", "reported")
    assert any(sentence["label"] == "supported" for sentence in json.loads(sentences))


def test_the_report_shows_which_sentences_of_the_answer_are_supported(small_study: SmallStudy) -> None:
    made_up = "The BLEU score on the WMT benchmark was 41.2."
    finding, folder, _ = asked(small_study, f"{PROOF} {made_up}")
    with api.open(folder) as study:
        study.report(folder / "report.html", pictures="none")
    page = Page(folder / "report.html")
    (paper,) = (paper for paper in page.papers if paper["cells"])
    ((_, ((*_, sentences),)),) = paper["cells"].values()
    assert finding.answer == f"{PROOF} {made_up}"
    assert [(paper["texts"][text], label) for text, label in sentences] == [
        (PROOF, "supported"),
        (made_up, "unsupported"),
    ]


def test_an_abstention_is_not_reported(small_study: SmallStudy) -> None:
    finding, _, _ = asked(small_study, "The context does not tell by which metrics the network was judged.")
    assert (finding.verdict, finding.quotes) == (Verdict.NOT_REPORTED, ())


def test_an_answer_without_support_fails(small_study: SmallStudy) -> None:
    finding, _, seen = asked(
        small_study,
        "The network was judged by the BLEU score of 41.2 and by the perplexity of 7.5 on the WMT benchmark.",
    )
    assert finding.verdict is Verdict.FAILED
    assert finding.error
    assert finding.error.startswith("unverified")
    assert len(seen) == 1
