"""What the models of a study have cost so far: replies are paid for, whether or not a finding came of them."""

from collections.abc import Sequence

from quoth.ledger import Ledger
from quoth.readers.model import ModelReader


def spent(ledger: Ledger, readers: Sequence[ModelReader]) -> tuple[int, float]:
    """Tokens and US dollars, over all runs and all versions of the readers; at the prices that hold now."""
    by_name = {reader.name: reader for reader in readers}
    tokens, cost = 0, 0.0
    for asked in ledger.asked():
        tokens += asked.input_tokens + asked.output_tokens
        if reader := by_name.get(asked.reader):
            cost += reader.cost(asked.input_tokens, asked.output_tokens, asked.cached_tokens) or 0.0
    return tokens, cost
