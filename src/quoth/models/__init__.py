"""The packaged models: which files belong to this version, and the check that they are the ones it was built with.

`MODEL_CARD.md` beside this module says where each comes from, how it was made and what it is good for.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quoth.errors import ModelError

FOLDER = Path(__file__).parent
_REMEDY = "install quoth again (pip install --force-reinstall quoth)."


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that ships with quoth: its name in this folder, and the SHA-256 of its bytes in hex."""

    name: str
    digest: str


ENCODER_MODEL = Artefact("minilm-l6-int8.onnx", "a83868660302014536ca47be4c9175a2ee590bbe8e810858736947dcc9953f3c")
ENCODER_TOKENIZER = Artefact(
    "minilm-l6-tokenizer.json", "5fd1c882abbd30517dced455a2c9768945ec726b96727927e4959348d9de550b"
)
SCORER = Artefact("scorer.npz", "c08e08af85ff5623b0481bd7ec09fa064b7ce3264a6471d89760c966529d4515")
EMBEDDED_READER = Artefact("embedded-reader.json", "61d1652478f69c41d79f1b7ad1642b7b57789a4044518bce896713147d6fe264")
SUPPORT = Artefact("support.npz", "5f9917fa0cdd7459d9656af15d7c1a69a56562bbce65ccb6fa4d1b3583f3a7f4")
ANSWERS = Artefact("answers.npz", "1ec5b3c115759bf27d16873003d761e3ca5c4653ff802d5e5d4a3a2d4f87fca8")


@cache
def path_of(artefact: Artefact, folder: Path = FOLDER) -> Path:
    """Where an artefact lies, its bytes checked once per process.

    Raises:
        ModelError: it is missing, cannot be read, or is not the file that its digest names.
    """
    path = folder / artefact.name
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The packaged model {path} cannot be read ({error.strerror}): {_REMEDY}") from error
    if found != artefact.digest:
        raise ModelError(
            f"The packaged model {path} is not the one that this version of quoth was built with "
            f"(SHA-256 {found[:12]}..., expected {artefact.digest[:12]}...): {_REMEDY}"
        )
    return path
