"""How findings become decisions, and how far readers agree with each other and with a gold."""

from quoth.quorum.decide import decide, decisions, is_unquoted, rank
from quoth.quorum.rules import RULES
from quoth.quorum.ruling import Ruling, Terms, rule_on
from quoth.quorum.votes import Votes

__all__ = ["RULES", "Ruling", "Terms", "Votes", "decide", "decisions", "is_unquoted", "rank", "rule_on"]
