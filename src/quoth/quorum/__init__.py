"""How findings become decisions."""

from quoth.quorum.decide import decide, decide_cell

__all__ = ["decide", "decide_cell"]
