"""How much a page may hold, so that its size is bounded; and the files that are embedded into it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PAGE_MAX_BYTES = 3_000_000


@dataclass(frozen=True, slots=True)
class PageLimits:
    """What goes beyond is left out or joined, and the page says so."""

    columns: int = 900
    """Of the plots of one EVSE: each keeps its extremes."""
    spans: int = 2400
    """In all lanes together."""
    marks: int = 500
    rows: int = 900
    """Of the message sequence."""
    content_chars: int = 400_000
    """Of all messages together."""
    message_chars: int = 4_000
    steps: int = 800
    download_bytes: int = 700_000
    """Of all files that the page offers, as they stand in it."""
    source_chars: int = 30_000

    def scaled(self, share: float) -> PageLimits:
        """Less of everything."""
        return PageLimits(
            *(max(1, int(getattr(self, name) * share)) for name in self.__slots__)  # all fields are counts
        )


@dataclass(frozen=True, slots=True)
class PageAssets:
    """Texts that are embedded: style and scripts of the page, and of the plotting library where it is there."""

    style: str
    run_script: str
    index_script: str
    plot_script: str = ""
    plot_style: str = ""


def shortened(text: str, most: int) -> str:
    """At most so many characters; what is longer ends with a mark."""
    return text if len(text) <= most else text[: most - 1] + "…"
