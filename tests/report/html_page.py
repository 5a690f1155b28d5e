"""A page as a browser would see it."""

from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: tags (checked to be nested rightly), text, and the cells of named tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.tables: dict[str, list[list[tuple[str, str | None]]]] = {}
        self.open: list[str] = []
        self.name = ""
        self.value: str | None = None
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "div" and dict(attrs).get("role") == "region":
            self.name = dict(attrs).get("aria-label") or ""
        if tag == "tr":
            self.tables.setdefault(self.name, []).append([])
        if tag in ("td", "th"):
            self.value = dict(attrs).get("data-value")
            self.tables[self.name][-1].append(("", self.value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data.strip())
        if "td" in self.open or "th" in self.open:
            text, value = self.tables[self.name][-1][-1]
            self.tables[self.name][-1][-1] = (text + data.strip(), value)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def column(self, table: str, header: str) -> list[tuple[str, str | None]]:
        head, *rows = self.tables[table]
        place = [text for text, _ in head].index(header)
        return [row[place] for row in rows]
