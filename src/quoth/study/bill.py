"""What the replies behind findings took, and each finding's share of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quoth.ledger import Reply
from quoth.readers.base import Conclusion
from quoth.readers.model import ModelReader


@dataclass(slots=True)
class Bill:
    """Sums over the replies of one dialogue; None where no reply told."""

    seconds: float = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None

    def add(self, reply: Reply, cost_usd: float | None) -> None:
        """Count a reply."""
        self.seconds += reply.seconds or 0.0
        if reply.input_tokens is not None:
            self.input_tokens = (self.input_tokens or 0) + reply.input_tokens
        if reply.output_tokens is not None:
            self.output_tokens = (self.output_tokens or 0) + reply.output_tokens
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost_usd

    def shared(self, conclusions: Mapping[str, Conclusion]) -> dict[str, Conclusion]:
        """The same, each finding with an equal share; odd tokens go to the first."""
        parts = len(conclusions)
        return {
            question: replace(
                conclusion,
                finding=replace(
                    conclusion.finding,
                    seconds=self.seconds / parts,
                    input_tokens=_share(self.input_tokens, parts, place),
                    output_tokens=_share(self.output_tokens, parts, place),
                    cost_usd=None if self.cost_usd is None else self.cost_usd / parts,
                ),
            )
            for place, (question, conclusion) in enumerate(conclusions.items())
        }


def cost_of(reader: ModelReader, reply: Reply) -> float | None:
    """What a reply cost, in US dollars; None where the server counted no tokens, or nobody knows the price."""
    if reply.input_tokens is None or reply.output_tokens is None:
        return None
    cached = reply.parameters.get("cached_tokens")
    return reader.cost(reply.input_tokens, reply.output_tokens, cached if isinstance(cached, int) else 0)


def _share(tokens: int | None, parts: int, place: int) -> int | None:
    return None if tokens is None else tokens // parts + (place < tokens % parts)
