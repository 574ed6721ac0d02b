"""quoth: ask every paper the same questions, believe only what a reader can quote.

>>> import quoth
>>> with quoth.open("my-study") as study:
...     study.run()
...     study.decisions.head()
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quoth.study import Study, ask
    from quoth.study import create_demo as demo
    from quoth.study import create_study as init
    from quoth.study import open_study as open  # noqa: A004

__all__ = ["Study", "ask", "demo", "init", "open"]

_PLACES = {"Study": "Study", "ask": "ask", "demo": "create_demo", "init": "create_study", "open": "open_study"}


def __getattr__(name: str) -> object:
    """Load the study room when one of its names is first used: `quoth --help` needs none of it."""
    if name not in _PLACES:
        raise AttributeError(f"module 'quoth' has no attribute {name!r}")
    from quoth import study

    return getattr(study, _PLACES[name])
