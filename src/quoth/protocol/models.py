"""The tables of study.toml and of a codebook as strict models: no unknown key, and '3000' is not 3000."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from quoth.vocabulary import Kind, Question

IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NOT_BLANK = r"\S"
HAS_WORDS = r"[^\W_]"
WEB_ADDRESS = r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$"

PATTERNS = {
    IDENTIFIER: (
        "must be a short identifier: letters, digits, '.', '_' and '-', at most 64, starting with a letter or a digit"
    ),
    NOT_BLANK: "must not be empty",
    HAS_WORDS: "must hold a letter or a digit",
    WEB_ADDRESS: "must be a web address such as \"http://127.0.0.1:8000/v1\", without user name, '?' or '#'",
}
"""What to say where a text does not match."""

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Words = Annotated[str, Field(pattern=NOT_BLANK)]


class Table(BaseModel):
    """Base of all tables."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class StudyTable(Table):
    """`[study]`: what the study is called, and where its parts lie."""

    title: Words
    codebook: Words | None = None
    papers: Words = "papers"
    ledger: Words = "sqlite:///.quoth/ledger.db"


class Retrieval(Table):
    """`[retrieval]`: how much of a paper a reader is shown."""

    characters: Annotated[int, Field(ge=300, le=1_000_000)] = 3000
    """Characters shown to a reader for each question."""


class Reading(Table):
    """`[reading]`: what reading one paper may cost."""

    max_pages: Annotated[int, Field(ge=1, le=100_000)] = 500
    """A file with more pages is listed as not readable."""
    seconds_per_paper: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    """A worker that needs longer for one paper is ended."""
    memory_mb: Annotated[int, Field(ge=200, le=1_000_000)] = 2000
    """A worker that holds more memory is ended, where the system tells how much it holds."""
    ocr: Literal["needed", "off"] | None = None
    """Whether pages that are pictures are read by OCR; None for: where it is installed."""
    seconds_per_ocr_page: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """What a page that OCR reads may take beyond `seconds_per_paper`."""
    workers: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Worker processes; None for one on each core."""


class QuestionTable(Table):
    """`[[question]]`: one item of the codebook."""

    id: Identifier
    label: Words | None = None
    text: Annotated[str, Field(pattern=HAS_WORDS)]
    kind: Literal["text", "choice", "number", "link"] = "text"
    guidance: str = ""
    choices: Annotated[tuple[Words, ...], Field(strict=False)] = ()
    unit: Words | None = None

    def question(self) -> Question:
        """The same in the words of the house; a question without a label is called by its id."""
        return Question(
            id=self.id,
            label=self.label or self.id,
            text=self.text,
            kind=Kind(self.kind),
            guidance=self.guidance,
            choices=self.choices,
            unit=self.unit,
        )


class Variable(Table):
    """`[[variable]]`: what is derived from questions, by `any` or by `all` of them.

    An empty list says that the codebook has no question for it. The order of the variables is that of their levels.
    """

    name: Words
    group: Words | None = None
    any: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    all: Annotated[tuple[str, ...], Field(strict=False)] | None = None


class Level(Table):
    """`[[level]]`: what a paper reaches that reports all variables of some groups; later ones stand higher."""

    name: Words
    groups: Annotated[tuple[Words, ...], Field(strict=False, min_length=1)]


class Price(Table):
    """What a million tokens cost, in US dollars."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class EmbeddedReader(Table):
    """The model that ships with quoth and runs on the processor."""

    name: Identifier
    type: Literal["embedded"]


class ModelReader(Table):
    """What holds for every large language model, wherever it runs."""

    name: Identifier
    style: Literal["quotes", "classic"] = "quotes"
    context: Literal["passages", "paper"] = "passages"
    questions_per_call: Annotated[int, Field(ge=1, le=100)] = 1
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    seed: int = 1
    """Sent where the server takes one."""
    max_answer_tokens: Annotated[int, Field(ge=16, le=1_000_000)] = 1000
    """A longer reply is cut off by the server."""
    seconds_per_request: Annotated[float, Field(ge=0.01, le=86_400)] = 300.0
    """A request that takes longer is given up and repeated."""
    watts: Annotated[float, Field(ge=0)] | None = None
    """What the hardware draws while it answers, for own hardware."""


class ChatReader(ModelReader):
    """A large language model behind an API that follows OpenAI's."""

    type: Literal["chat"]
    base_url: Annotated[str, Field(pattern=WEB_ADDRESS)]
    model: Words
    api_key_env: Words | None = None
    """The environment variable that holds the key; None for a server that asks for none."""
    window: Annotated[int, Field(ge=512)] | None = None
    """Tokens that the model can read at once, as far as known."""
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    patience_seconds: Annotated[float, Field(ge=0, le=86_400)] = 600.0
    """An endpoint that answers nothing for so long is taken to be down."""
    price_per_million: Price | None = None


class GgufReader(ModelReader):
    """A large language model in this process, from a file in the GGUF format."""

    type: Literal["gguf"]
    model: Words
    """The file, relative to study.toml."""
    window: Annotated[int, Field(ge=512)] = 8192
    """Tokens that the model is given room for."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Processor threads; None for all cores."""


ReaderSettings = EmbeddedReader | ChatReader | GgufReader
Reader = Annotated[ReaderSettings, Field(discriminator="type")]


class Quorum(Table):
    """`[quorum]`: how findings become decisions."""

    rule: Literal["majority", "weighted", "dawid-skene", "evidence"] = "majority"
    ties: Literal["undecided", "not_reported"] = "undecided"
    minimum_votes: Annotated[int, Field(ge=1)] = 1
    unquoted: Literal["none", "majority", "all"] = "majority"
    """Under which rules a 'reported' without a verified quote votes: imported labels come without quotes."""
    tolerance: Annotated[float, Field(ge=0, le=1)] = 1e-6
    """The relative difference up to which two numbers are one value."""
    second_look: Literal["none", "machines", "all"] = "none"
    """Whose quotes a model that disagrees is shown and asked once more: nobody's (it is not asked), those of readers
    that are no people, or people's, too."""


class Budget(Table):
    """`[budget]`: where a run stops asking; None for no limit."""

    max_cost_usd: Annotated[float, Field(ge=0)] | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = None


class StudyFile(Table):
    """All of study.toml."""

    study: StudyTable
    retrieval: Retrieval = Retrieval()
    reading: Reading = Reading()
    question: Annotated[tuple[QuestionTable, ...], Field(strict=False)] = ()
    reader: Annotated[tuple[Reader, ...], Field(strict=False)] = ()
    quorum: Quorum = Quorum()
    variable: Annotated[tuple[Variable, ...], Field(strict=False)] = ()
    level: Annotated[tuple[Level, ...], Field(strict=False)] = ()
    budget: Budget = Budget()


class QuestionList(Table):
    """Questions alone."""

    question: Annotated[tuple[QuestionTable, ...], Field(strict=False, min_length=1)]


class CodebookTable(Table):
    """`[codebook]`: what the codebook is called and where it comes from."""

    name: Identifier
    title: Words
    version: str = ""
    description: str = ""
    source: str = ""


class CodebookFile(QuestionList):
    """All of a codebook."""

    codebook: CodebookTable
    variable: Annotated[tuple[Variable, ...], Field(strict=False)] = ()
    level: Annotated[tuple[Level, ...], Field(strict=False)] = ()


READERS: dict[str, type[Table]] = {"embedded": EmbeddedReader, "chat": ChatReader, "gguf": GgufReader}
"""The model of each type of reader."""

TABLES: dict[str, type[Table]] = {
    "study": StudyTable,
    "codebook": CodebookTable,
    "retrieval": Retrieval,
    "reading": Reading,
    "question": QuestionTable,
    "quorum": Quorum,
    "variable": Variable,
    "level": Level,
    "budget": Budget,
}
"""The model of each table by its name; that of a reader depends on its type."""
