"""Two plain plots as SVG: lines on a logarithmic scale, and bars."""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 80, 150, 50, 50
# Apart for those who see few colours, too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#555555", "#cc79a7", "#e69f00")


class Line(NamedTuple):
    name: str
    points: Sequence[tuple[float, float]]


def plot(title: str, across: str, lines: Sequence[Line]) -> str:
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points if y > 0]
    low, high = floor(log10(min(ys))), ceil(log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        return (LEFT + (x - min(xs)) / (max(xs) - min(xs)) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - (log10(max(y, 10**low)) - low) / (high - low) * (HEIGHT - TOP - BOTTOM))

    body = []
    for power in range(low, high + 1):
        x, y = at(min(xs), 10**power)
        body.append(f'<path d="M{x:.0f} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>{_text(LEFT - 8, y + 4, f"{10**power:,}", "end")}')
    for x in sorted(set(xs)):
        body.append(_text(at(x, 10**low)[0], HEIGHT - BOTTOM + 18, f"{x:g}", "middle"))
    body.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, "middle"))
    for colour, line in zip(COLOURS, lines, strict=False):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line.points))
        body.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = at(*line.points[-1])
        body.append(_text(x + 8, y + 4, line.name, "start", colour))
    return _svg(title, HEIGHT, body)


def bars(title: str, rows: Sequence[tuple[str, float]], bar: float | None = None) -> str:
    """One a row; `bar` is a line that they should reach."""
    left, step = 330, 30
    height = TOP + step * len(rows) + 40
    most = max([value for _, value in rows] + ([bar] if bar else []))
    scale = (WIDTH - left - 90) / most
    body = []
    for number, (name, value) in enumerate(rows):
        y = TOP + number * step
        body.append(_text(left - 8, y + 15, name, "end"))
        body.append(f'<rect x="{left}" y="{y}" width="{max(1.0, value * scale):.1f}" height="20" fill="{COLOURS[0]}"/>')
        body.append(_text(left + value * scale + 6, y + 15, f"{value:,.0f}", "start"))
    if bar:
        x = left + bar * scale
        body.append(f'<path d="M{x:.1f} {TOP - 6}V{height - 30}" stroke="{COLOURS[1]}" stroke-dasharray="4"/>')
        body.append(_text(x, height - 14, f"the bar, {bar:,.0f}", "middle", COLOURS[1]))
    return _svg(title, height, body)


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(title: str, height: float, body: Sequence[str]) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" font-size="13">'
            f'<rect width="100%" height="100%" fill="#fff"/>{_text(16, 26, title, "start")}{"".join(body)}</svg>\n')
