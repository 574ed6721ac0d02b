"""PDF to document: characters, layout, repair, sections and sentences, always with the way back to the page."""

from quoth.papers.folder import check_names, find_papers, other_files
from quoth.papers.geometry import PageGeometry
from quoth.papers.join import join
from quoth.papers.parse import PARSER_VERSION, is_current, parse, parser_of, text_digest

__all__ = [
    "PARSER_VERSION",
    "PageGeometry",
    "check_names",
    "find_papers",
    "is_current",
    "join",
    "other_files",
    "parse",
    "parser_of",
    "text_digest",
]
