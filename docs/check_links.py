"""Every link of the built site leads somewhere: python docs/check_links.py docs/_build"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Names that can be linked to, and what is linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.names.add(value)
            elif name in ("href", "src") and value and tag != "base":
                self.links.append(value)


def broken(site: Path) -> list[str]:
    """One line for each link to a file or a name that is not there; links to other hosts are not followed."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not there.exists():
                found.append(f"{path.name}: {link}: there is no such file")
            elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].names:
                found.append(f"{path.name}: {link}: there is no such place in it")
    return found


def main() -> None:
    site = Path(sys.argv[1])
    lines = broken(site)
    print("\n".join(lines) or f"{sum(1 for _ in site.rglob('*.html'))} pages, no broken link")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
