"""What tokens cost: the protocol's prices, or the public ones that genai-prices keeps for hosted APIs."""

from collections.abc import Callable

from quoth.protocol import ChatReader, Price

Tariff = Callable[[int, int, int], float]
"""US dollars for tokens sent, tokens answered, and how many of those sent came from the server's cache."""

_MILLION = 1_000_000


def tariff(settings: ChatReader) -> Tariff | None:
    """The prices of a reader; None where neither the protocol nor the public list has them.

    The public list is asked for the server's address and the model together: a model's name alone does not say who
    serves it, and at what price.
    """
    if settings.price_per_million is not None:
        return _own(settings.price_per_million)
    from genai_prices import Usage, calc_price

    def public(sent: int, answered: int, cached: int) -> float:
        usage = Usage(input_tokens=sent, output_tokens=answered, cache_read_tokens=min(cached, sent))
        return float(calc_price(usage, settings.model, provider_api_url=settings.base_url).total_price)

    try:
        public(_MILLION, _MILLION, 0)
    except LookupError:
        return None
    return public


def _own(price: Price) -> Tariff:
    return lambda sent, answered, cached: (sent * price.input + answered * price.output) / _MILLION
