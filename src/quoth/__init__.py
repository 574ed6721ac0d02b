"""quoth: ask every paper the same questions, believe only what a reader can quote.

>>> import quoth
>>> with quoth.open("my-study") as study:
...     study.run()
...     study.decisions.head()
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quoth.grounding.audit import audit
    from quoth.study import Study, ask
    from quoth.study import create_demo as demo
    from quoth.study import create_study as init
    from quoth.study import open_study as open  # noqa: A004

__all__ = ["Study", "ask", "audit", "demo", "init", "open"]

_PLACES = {
    "Study": ("quoth.study", "Study"),
    "ask": ("quoth.study", "ask"),
    "audit": ("quoth.grounding.audit", "audit"),
    "demo": ("quoth.study", "create_demo"),
    "init": ("quoth.study", "create_study"),
    "open": ("quoth.study", "open_study"),
}


def __getattr__(name: str) -> object:
    """Load a room when one of its names is first used: `quoth --help` needs none of them."""
    if name not in _PLACES:
        raise AttributeError(f"module 'quoth' has no attribute {name!r}")
    room, public = _PLACES[name]
    return getattr(import_module(room), public)
