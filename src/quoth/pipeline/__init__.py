"""The two stages for one paper: `read` (parse, passages, vectors; pure, cached by content) and `ask`."""

from quoth.pipeline.cache import Cache
from quoth.pipeline.read import ReadSettings, read_document, read_paper
from quoth.pipeline.work import PaperResult, PaperTask, prepare_worker, work_on_paper

__all__ = [
    "Cache",
    "PaperResult",
    "PaperTask",
    "ReadSettings",
    "prepare_worker",
    "read_document",
    "read_paper",
    "work_on_paper",
]
