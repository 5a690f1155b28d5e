"""How every figure looks and how it becomes an SVG string: one style, colours told apart by colour-blind readers, no clock."""

import hashlib
import io
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

#: Okabe & Ito, Color Universal Design (2008): black, orange, sky blue, bluish green, blue, vermilion, reddish purple.
BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
CONDITION_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
INK, GREY, PALE = "#222222", "#6b6b6b", "#e9e9e9"
INFUSION_SHADE = "#f4efe4"
WIDTH_IN = 5.6

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, selectable, and the same wherever it is made
    "svg.hashsalt": "mrs_pipeline",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "legend.handlelength": 1.6,
    "lines.solid_capstyle": "round",
    "axes.unicode_minus": True,
}

_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_FONTS = "system-ui, 'DejaVu Sans', sans-serif"


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures, whatever the reader's own matplotlib settings are; glyphs missing in the font are no warning."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def new_figure(*, height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """An empty figure that arranges itself."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def condition_looks(conditions: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each condition, by its place in the order."""
    n = len(MARKERS)
    return {name: (CONDITION_COLOURS[i % n], MARKERS[i % n]) for i, name in enumerate(conditions)}


def condition_label(name: str) -> str:
    """What a condition is called in legends; sessions without one are called so."""
    return name or "no condition"


def dots(axes: Axes, x: ArrayLike, y: ArrayLike, *, colour: str, size_pt: float = 2.2) -> None:
    """Many points as one path of round-capped strokes of no length: a fifth of the size of as many markers."""
    points = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(points))
    path = Path(np.repeat(points, 2, axis=0), codes)
    path.should_simplify = False
    axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=size_pt, capstyle="round"))
    axes.update_datalim(points)
    axes.autoscale_view()


def short(text: str, *, n_letters: int = 60) -> str:
    """The text, cut with an ellipsis if it is longer: a name must not squeeze the drawing it names."""
    return text if len(text) <= n_letters else text[: n_letters - 1] + "…"


def legend_above(axes: Axes) -> None:
    """The legend of the axes above them, left aligned, in as many columns as fit; none if nothing is labelled."""
    handles, labels = axes.get_legend_handles_labels()
    labels = [short(label) for label in labels]
    if handles:
        n_columns = max(1, 66 // (max(map(len, labels)) + 7))
        axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=n_columns, borderaxespad=0.2, columnspacing=1.4)


def svg(figure: Figure, *, label: str) -> str:
    """The figure as one ``<svg>`` element, readable by itself and inside a page; ``label`` is its text for screen readers."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=_METADATA, facecolor="white")
    drawing = _xml_only(stream.getvalue())
    drawing = drawing[drawing.index("<svg") :].rstrip() + "\n"
    drawing = _own_ids(drawing)
    drawing = re.sub(r"<[^>]*>", _slim_tag, drawing)
    opening = f'<svg role="img" aria-label="{escape(_xml_only(label), quote=True)}"'
    return opening + drawing[len("<svg") :]


def _xml_only(text: str) -> str:
    """The text without control characters, which XML does not allow whatever a name holds."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)


def _own_ids(drawing: str) -> str:
    """Ids that nothing refers to go; the others get a prefix of their own, for many drawings share a page."""
    tags = "".join(re.findall(r"<[^>]*>", drawing))
    used = set(re.findall(r"url\(#([^)]+)\)", tags)) | set(re.findall(r'href="#([^"]+)"', tags))
    prefix = "f" + hashlib.sha256(drawing.encode()).hexdigest()[:8]

    def renamed(tag: re.Match[str]) -> str:
        text = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", tag[0])
        return re.sub(r"(url\(#|href=\"#)", rf"\g<1>{prefix}", text)

    return re.sub(r"<[^>]*>", renamed, drawing)


def _slim_tag(tag: re.Match[str]) -> str:
    """Coordinates to a hundredth of a point and a font every browser has."""
    text = tag[0].replace("'DejaVu Sans'", _FONTS)
    return re.sub(r' (d|x|y|transform)="[^"]*"', _rounded, text)


def _rounded(attribute: re.Match[str]) -> str:
    short = re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), attribute[0])
    return re.sub(r"\s+", " ", short).replace(' "', '"')


class Notice(str):
    """The SVG of a drawing that only says, in ``reason``, why there is nothing to draw."""

    reason: str

    def __new__(cls, drawing: str, *, reason: str) -> "Notice":
        """The string with its reason."""
        made = super().__new__(cls, drawing)
        made.reason = reason
        return made


def notice(text: str, *, label: str = "") -> Notice:
    """A drawing that only says why there is nothing to draw."""
    with style():
        figure = new_figure(height_in=0.9)
        figure.text(0.5, 0.5, textwrap.fill(short(text, n_letters=180), 60), ha="center", va="center", color=GREY)
        return Notice(svg(figure, label=label or text), reason=text)
