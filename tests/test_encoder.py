"""The sentence encoder: what its vectors mean, that they depend on nothing but the text, and that damage is noticed."""

import multiprocessing
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoth import models, vocabulary
from quoth.errors import ModelError
from quoth.models import ENCODER_MODEL, ENCODER_TOKENIZER, Artefact, path_of
from quoth.models.encoder import DIMENSIONS, TOKEN_DIMENSIONS, Encoder, part, split, together

QUESTION = "Which graphics cards were used for training?"
ANSWER = "All networks were trained on two NVIDIA V100 GPUs with 32 GB of memory."
OTHERS = (
    "We thank the rangers of the reserve for their help in the field.",
    "The river floods its banks every spring and leaves sandbars behind.",
    "Birds were counted from dawn until ten in the morning at forty points.",
    "Nests were found by following adults that carried food.",
)


@pytest.fixture(scope="module")
def encoder() -> vocabulary.Encoder:
    return Encoder()


def test_texts_become_unit_vectors(encoder: vocabulary.Encoder) -> None:
    vectors = encoder.encode([QUESTION, ANSWER, *OTHERS, ""])
    assert vectors.shape == (7, DIMENSIONS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_an_answer_is_nearer_to_its_question_than_other_sentences(encoder: vocabulary.Encoder) -> None:
    similar = encoder.encode([ANSWER, *OTHERS]) @ encoder.encode([QUESTION])[0]
    assert similar[0] > similar[1:].max() + 0.3


def test_vectors_are_those_of_the_published_model(encoder: vocabulary.Encoder) -> None:
    # Cosines that sentence-transformers 6.2 gives in float32; int8 may differ in the second decimal.
    texts = ["A man is eating food.", "A man is eating a piece of bread.", "A cheetah is running behind its prey."]
    vectors = encoder.encode(texts)
    assert vectors[0] @ vectors[1] == pytest.approx(0.755, abs=0.02)
    assert vectors[0] @ vectors[2] == pytest.approx(0.142, abs=0.02)


def test_tokens_have_unit_vectors_of_their_own(encoder: vocabulary.Encoder) -> None:
    found = encoder.encode_tokens([QUESTION, "", ANSWER])
    np.testing.assert_array_equal(found.vectors, encoder.encode([QUESTION, "", ANSWER]))
    assert found.starts.tolist() == [0, 8, 8, len(found.ids)]
    assert found.tokens.shape == (len(found.ids), TOKEN_DIMENSIONS)
    np.testing.assert_allclose(np.linalg.norm(found.tokens.astype(float), axis=1), 127, rtol=0.02)
    apart = together([encoder.encode_tokens([text]) for text in (QUESTION, "", ANSWER)])
    for name in ("vectors", "tokens", "ids", "starts"):
        np.testing.assert_array_equal(getattr(apart, name), getattr(found, name))
    first, rest = split(found, 2)
    for name in ("vectors", "tokens", "ids", "starts"):
        np.testing.assert_array_equal(getattr(together([first, rest]), name), getattr(found, name))
    assert part(found, 2).tokens.tobytes() == encoder.encode_tokens([ANSWER]).tokens.tobytes()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([QUESTION, ANSWER, *OTHERS, ANSWER * 20]), min_size=1, max_size=6), st.integers(1, 3))
def test_a_vector_depends_on_its_text_alone(texts: list[str], threads: int) -> None:
    alone = [Encoder().encode([text])[0].tobytes() for text in texts]
    assert [vector.tobytes() for vector in Encoder(threads=threads).encode(texts)] == alone


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_a_vector(text: str) -> None:
    assert np.linalg.norm(Encoder().encode([text])[0]) == pytest.approx(1, abs=1e-5)


def test_a_lone_surrogate_is_no_obstacle(encoder: vocabulary.Encoder) -> None:
    assert np.isfinite(encoder.encode(["accuracy of 91 \udcff percent"])).all()


def test_words_past_the_limit_are_left_out() -> None:
    long, longer = "river " * 300, "river " * 300 + "graphics card"
    short = Encoder(max_tokens=16)
    assert (short.encode([long]) == short.encode([longer])).all()
    assert not (short.encode([long]) == Encoder().encode([long])).all()


def test_settings_that_change_a_vector_change_the_digest() -> None:
    assert Encoder().digest == Encoder(threads=2).digest
    assert Encoder().digest != Encoder(max_tokens=64).digest
    assert len(Encoder().digest) == 64


@pytest.mark.parametrize("wrong", [{"max_tokens": 2}, {"max_tokens": 257}, {"threads": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Encoder(**wrong)


def test_another_process_gives_the_same_bytes(encoder: vocabulary.Encoder) -> None:
    here = encoder.encode([ANSWER])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.map(pickle.loads(pickle.dumps(encoder)).encode, [[ANSWER]])[0]
    assert there.tobytes() == here.tobytes()


@pytest.mark.parametrize("artefact", [ENCODER_MODEL, ENCODER_TOKENIZER])
def test_a_missing_or_altered_model_is_named_with_a_remedy(artefact: Artefact, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"{artefact.name}.*No such file.*pip install"):
        path_of(artefact, tmp_path)
    copy = Path(shutil.copy(path_of(artefact), tmp_path))
    assert path_of(artefact, tmp_path) == copy
    path_of.cache_clear()
    with copy.open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"\0\1\2\3")
    with pytest.raises(ModelError, match=rf"{artefact.name}.*not the one.*pip install"):
        path_of(artefact, tmp_path)


def test_the_model_card_names_the_files_that_ship() -> None:
    card = (models.FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
    for artefact in (ENCODER_MODEL, ENCODER_TOKENIZER):
        assert artefact.digest in card
        assert f"{path_of(artefact).stat().st_size:,} bytes" in card
