"""Which of the media types that we can answer in a client wants most (RFC 9110, 12.5.1)."""

from functools import lru_cache

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"


@lru_cache(maxsize=128)
def preferred(accept: bytes | None, offered: tuple[str, ...]) -> str | None:
    """The offer with the highest weight, the earlier one among equals; None when none is acceptable."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_media_range(part) for part in accept.decode("latin-1").lower().split(",")]
    weighted = [(_weight(offer, ranges), offer) for offer in offered]
    best, offer = max(weighted, key=lambda pair: pair[0])
    return offer if best > (0.0, 0) else None


def _weight(offer: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The weight that the most exact range gives an offer, and how exact that range is."""
    kind = offer.partition("/")[0]
    for exactness, name in ((3, offer), (2, f"{kind}/*"), (1, "*/*")):
        weights = [weight for media, weight in ranges if media == name]
        if weights:
            return (max(weights), exactness) if max(weights) > 0 else (0.0, 0)
    return 0.0, 0


def _media_range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip() for piece in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            weight = _quality(value)
        elif name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            weight = 0.0
    return media, weight


def _quality(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0
