"""Draws the path of a candidate, docs/path.svg: python docs/path.py."""

from pathlib import Path
from xml.sax.saxutils import escape

STEPS = [
    ("space", "what may be tried:", "labels and conditions"),
    ("suggest", "a refit on all results;", "k candidates for k slots"),
    ("build", "values become the", "configuration"),
    ("engine", "this thread, threads,", "processes, Spark tasks"),
    ("objective", "your function,", "called once"),
    ("outcome", "a loss, or why", "there is none"),
    ("history", "the record, in numbers", "and numpy columns"),
]
WIDTH, HEIGHT, GAP, TOP = 160, 74, 28, 64
DRIVER, TRIAL = "#e8f0fa", "#fdf1dc"


def box(i, name, first, second):
    """The i-th step: its name and two lines about it, and the arrow that leads to it."""
    x = GAP + i * (WIDTH + GAP)
    fill = TRIAL if name == "objective" else DRIVER
    lines = [
        f'<rect x="{x}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{fill}" '
        'stroke="#4a5a70"/>',
        text(x + WIDTH / 2, TOP + 24, name, "bold", 16),
        text(x + WIDTH / 2, TOP + 45, first),
        text(x + WIDTH / 2, TOP + 61, second),
    ]
    if i:
        y = TOP + HEIGHT / 2
        lines.append(arrow(f"M {x - GAP + 2} {y} L {x - 3} {y}"))
    return lines


def text(x, y, words, weight="normal", size=11):
    """Words around a point."""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-weight="{weight}" '
        f'font-size="{size}">{escape(words)}</text>'
    )


def arrow(path):
    """A line with a head at its end."""
    return (
        f'<path d="{path}" fill="none" stroke="#4a5a70" stroke-width="1.5" marker-end="url(#a)"/>'
    )


def picture():
    """The picture as SVG."""
    width = GAP + len(STEPS) * (WIDTH + GAP)
    below, last = TOP + HEIGHT, len(STEPS) - 1
    middle = [GAP + i * (WIDTH + GAP) + WIDTH / 2 for i in range(len(STEPS))]
    back = below + 40
    parts = [part for i, step in enumerate(STEPS) for part in box(i, *step)]
    parts.append(
        arrow(f"M {middle[last]} {below} L {middle[last]} {back} L {middle[1]} {back} "
              f"L {middle[1]} {below + 3}")
    )  # fmt: skip
    parts.append(text((middle[1] + middle[last]) / 2, back + 18, "the next refit", size=12))
    parts.append(text(width / 2, 30, "The path of a candidate", "bold", 18))
    parts.append(text(middle[4], TOP - 10, "where the trial runs", size=12))
    parts.append(text(middle[1], TOP - 10, "on the driver", size=12))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {back + 34}" '
        'font-family="Helvetica, Arial, sans-serif" fill="#1c2733">'
        f'<rect width="{width}" height="{back + 34}" fill="white"/>'
        '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
        '<path d="M 0 0 L 6 3 L 0 6 z" fill="#4a5a70"/></marker></defs>'
    )
    return "\n".join([head, *parts, "</svg>", ""])


if __name__ == "__main__":
    Path(__file__).with_name("path.svg").write_text(picture())
