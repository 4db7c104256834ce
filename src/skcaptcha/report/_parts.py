"""What a report is made of: figures, tables, charts, pictures and galleries, as HTML."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup
from matplotlib import style
from matplotlib.figure import Figure
from numpy.typing import NDArray

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colors for charts, told apart by the color-blind, on light and dark grounds."""

_INK = "#010203"  # stands for the color of the text, which the reader's screen decides
_BOX_COLORS = ("#ff5a5f", "#2fb5ff")
_SMALL = 240  # pixels; pictures below that are shown magnified

_PIXELS_PER_INCH = 96  # of a browser
_LEAST_SCALE = 0.7

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "skcaptcha",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": f"cycler('color', {list(COLORS)})",
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "text.parse_math": False,
}


def chart_style() -> AbstractContextManager[None]:
    """Make charts drawn within fit a report: lines and letters take the color of its text.

    Returns
    -------
    context : context manager

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skcaptcha.report import chart, chart_style
    >>> with chart_style():
    ...     figure = Figure(figsize=(4, 3))
    ...     _ = figure.add_subplot().plot([0, 1], [0, 1])
    ...     html = chart(figure, "A line that rises.")
    >>> "currentColor" in html
    True
    """
    # Not as a matplotlibrc says, which matplotlib reads from the current folder: it may be
    # anybody's, and can have programs run (text.usetex).
    return style.context(["default", _STYLE])


def chart(figure: Figure, description: str, caption: str = "") -> Markup:
    """Put a chart into a report.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn within `chart_style`, where this must be called too.
    description : str
        What is to be seen in it, for those who do not see it.
    caption : str, default=""
        What stands below.

    Returns
    -------
    html : Markup
    """
    file = io.StringIO()
    with warnings.catch_warnings():
        # It is the browser that draws letters, by fonts of its own.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    # Names within one chart must not be taken for those of another on the same page.
    prefix = sha256((description + svg).encode()).hexdigest()[:8]
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Letters stay legible on a small screen: below that width, the chart scrolls.
    least = _LEAST_SCALE * _PIXELS_PER_INCH * figure.get_figwidth()
    label = Markup('<svg role="img" aria-label="{}" style="min-width: {}px" ').format(
        description, round(least)
    )
    svg = svg.replace("<svg ", label, 1)
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else ""
    return Markup('<figure class="chart">{}{}</figure>').format(Markup(svg), below)  # noqa: S704 - matplotlib escapes what it draws


def headline(value: str, verdict: str, detail: str, *, mood: str = "") -> Markup:
    """Show the one figure that matters most, large, beside what it means.

    Parameters
    ----------
    value : str
    verdict : str
        A sentence that says what the figure means.
    detail : str
        How it was measured, with its interval.
    mood : {"", "good", "bad"}, default=""
        Decides the color.

    Returns
    -------
    html : Markup

    Examples
    --------
    >>> from skcaptcha.report import headline
    >>> html = headline("98 %", "It reads well.", "49 of 50 were read right.", mood="good")
    >>> "49 of 50" in html
    True
    """
    return Markup(
        '<div class="headline {}"><p class="value">{}</p><p><strong>{}</strong><br>{}</p></div>'
    ).format(mood, value, verdict, detail)


def bullets(items: Iterable[str]) -> Markup:
    """Show a list of points.

    Parameters
    ----------
    items : iterable of str
        Text is escaped; Markup stays what it is.

    Returns
    -------
    html : Markup

    Examples
    --------
    >>> from skcaptcha.report import bullets
    >>> print(bullets(["1 < 2"]))
    <ul>
    <li>1 &lt; 2</li>
    </ul>
    """
    points = Markup("\n").join(Markup("<li>{}</li>").format(item) for item in items)
    return Markup("<ul>\n{}\n</ul>").format(points)


def details(summary: str, content: str) -> Markup:
    """Show a text or a table only to readers who open it.

    Parameters
    ----------
    summary : str
        What is shown before it is opened.
    content : str
        Text becomes a paragraph; Markup stays what it is.

    Returns
    -------
    html : Markup

    Examples
    --------
    >>> from skcaptcha.report import details
    >>> print(details("Why?", "Because."))
    <details><summary>Why?</summary><p>Because.</p></details>
    """
    inner = content if isinstance(content, Markup) else Markup("<p>{}</p>").format(content)
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, inner)


def figures(rows: Mapping[str, object] | Iterable[tuple[str, object]]) -> Markup:
    """Show figures beside their names.

    Parameters
    ----------
    rows : mapping of str, or iterable of (str, object)

    Returns
    -------
    html : Markup
    """
    pairs = rows.items() if isinstance(rows, Mapping) else rows
    row = Markup('<tr><th scope="row">{}</th><td>{}</td></tr>')
    body = Markup("\n").join(row.format(name, value) for name, value in pairs)
    return Markup('<table class="figures">\n{}\n</table>').format(body)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> Markup:
    """Show a table; columns that hold only numbers stand at the right.

    Parameters
    ----------
    header : sequence of k str
    rows : iterable of sequences of k objects
        What begins with a digit is taken for a number.
    caption : str, default=""

    Returns
    -------
    html : Markup
    """
    rows = list(rows)
    kinds = [
        Markup(' class="number"')
        if rows and all(re.match(r"[-+]?\d|$", str(row[k])) for row in rows)
        else ""
        for k in range(len(header))
    ]

    # On narrow screens each cell stands on a line of its own, after the name of its column.
    names = [name.striptags() if isinstance(name, Markup) else name for name in header]
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(kind, name)
        for kind, name in zip(kinds, header, strict=True)
    )
    body = [
        Markup("").join(
            Markup('<td{} data-label="{}">{}</td>').format(kind, name, cell)
            for kind, name, cell in zip(kinds, names, row, strict=True)
        )
        for row in rows
    ]
    return Markup(
        '<figure>{}<table class="rows"><thead>{}</thead><tbody>\n{}\n</tbody></table></figure>'
    ).format(
        Markup("<figcaption>{}</figcaption>").format(caption) if caption else "",
        Markup("<tr>{}</tr>").format(head),
        Markup("\n").join(Markup("<tr>{}</tr>").format(row) for row in body),
    )


def picture(
    image: NDArray[np.uint8],
    description: str,
    *,
    boxes: NDArray[np.intp] | Sequence[Sequence[int]] = (),
) -> Markup:
    """Show an image, large enough to see its pixels.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, 3), dtype uint8
        Gray or RGB.
    description : str
        What it is, for those who do not see it.
    boxes : array-like of shape (k, 4), default=()
        ``x, y, w, h`` of what is to be framed, in pixels of the image.

    Returns
    -------
    html : Markup

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.report import picture
    >>> html = picture(np.zeros((30, 120), np.uint8), "black", boxes=[[10, 5, 20, 20]])
    >>> html.count("<rect ")
    1
    """
    height, width = image.shape[:2]
    scale = max(1, min(3, _SMALL // width))
    frames = Markup("").join(
        Markup(
            '<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="{}" '
            'stroke-width="1.5" vector-effect="non-scaling-stroke"/>'
        ).format(x, y, w, h, _BOX_COLORS[k % len(_BOX_COLORS)])
        for k, (x, y, w, h) in enumerate(np.asarray(boxes).tolist())
    )
    return Markup(
        '<svg class="picture" role="img" aria-label="{}" width="{}" height="{}" '
        'viewBox="0 0 {} {}"><image href="{}" width="{}" height="{}"/>{}</svg>'
    ).format(
        description,
        width * scale,
        height * scale,
        width,
        height,
        _data_uri(image),
        width,
        height,
        frames,
    )


@dataclass(frozen=True)
class Card:
    """One picture of a gallery, and what is to be said of it.

    Attributes
    ----------
    picture : Markup
        As `picture` gives it.
    lines : sequence of (str, str or Markup)
        Names and values.
    """

    picture: Markup
    lines: Sequence[tuple[str, object]]


def gallery(cards: Iterable[Card]) -> Markup:
    """Show pictures in rows, each with what is to be said of it.

    Parameters
    ----------
    cards : iterable of Card

    Returns
    -------
    html : Markup
    """
    body = Markup("\n").join(
        Markup('<figure class="card">{}<dl>{}</dl></figure>').format(
            card.picture,
            Markup("").join(
                Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in card.lines
            ),
        )
        for card in cards
    )
    return Markup('<div class="gallery">\n{}\n</div>').format(body)


def text(string: str) -> Markup:
    """Show the string of a captcha so that each character and space is seen.

    Parameters
    ----------
    string : str

    Returns
    -------
    html : Markup
    """
    if not string:
        return Markup('<span class="faint">(nothing)</span>')
    return Markup('<span class="text">{}</span>').format(string)


def _data_uri(image: NDArray[np.uint8]) -> str:
    # OpenCV's order of colors is blue, green, red.
    ordered = image[..., ::-1] if image.ndim == 3 else image
    _, png = cv2.imencode(".png", np.ascontiguousarray(ordered))
    return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"
