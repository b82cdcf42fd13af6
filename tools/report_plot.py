# SPDX-License-Identifier: MIT
"""The growth plot as SVG: two panels over the size of the live heap, doubling from step to step. It brings its own
light ground and dark ink, so it reads the same on a dark page."""

import math

WIDTH, HEIGHT = 760, 320
TOP, BOTTOM = 56, 56
PANELS = ((60, 296), (440, 296))  # left edge and width of the plotting areas
INK, PALE, LINES = "#24292f", "#d0d7de", ("#0550ae", "#953800")


def nice_top(value):
    """The least of 1, 2, 2.5 and 5 times a power of ten that is not below `value`."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def size(mib):
    return f"{mib} MiB" if mib < 1024 else f"{mib / 1024:g} GiB"


def text(x, y, words, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{words}</text>'


def panel(left, width, title, color, points):
    """One line with its axes: points are (MiB, value)."""
    bottom, height = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    top_value = nice_top(max(value for _, value in points))
    first, last = math.log2(points[0][0]), math.log2(points[-1][0])

    def x(mib):
        return left + width * (math.log2(mib) - first) / (last - first)

    def y(value):
        return bottom - height * value / top_value

    out = [text(left + width / 2, TOP - 18, title, extra=' font-weight="600"')]
    for step in range(6):
        value = top_value * step / 5
        out.append(f'<line x1="{left}" y1="{y(value):.1f}" x2="{left + width}" y2="{y(value):.1f}" '
                   f'stroke="{INK if step == 0 else PALE}"/>')
        out.append(text(left - 8, y(value) + 4, f"{value:.3g}", "end"))
    for at, (mib, _) in enumerate(points):
        out.append(f'<line x1="{x(mib):.1f}" y1="{bottom}" x2="{x(mib):.1f}" y2="{bottom + 4}" stroke="{INK}"/>')
        if (len(points) - 1 - at) % 2 == 0:  # every second has room for its words
            out.append(text(x(mib), bottom + 18, size(mib)))
    out.append(text(left + width / 2, HEIGHT - 14, "live heap"))
    out.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="'
               + " ".join(f"{x(mib):.1f},{y(value):.1f}" for mib, value in points) + '"/>')
    for mib, value in points:
        out.append(f'<circle cx="{x(mib):.1f}" cy="{y(value):.1f}" r="3" fill="{color}">'
                   f'<title>{size(mib)}: {value:.3g} ns</title></circle>')
    return out


def growth_svg(points):
    """`points`: [(MiB live, ns a live object and cycle, ns a byte allocated)], two at least, by size."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}" role="img" '
           'aria-label="Collector CPU time as the live heap grows">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff" stroke="{PALE}"/>']
    titles = ("collector CPU, ns a live object and cycle", "collector CPU, ns a byte allocated")
    for at, (left, width) in enumerate(PANELS):
        out += panel(left, width, titles[at], LINES[at], [(point[0], point[at + 1]) for point in points])
    return "\n".join(out + ["</svg>"]) + "\n"
