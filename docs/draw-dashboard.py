"""Draws the dashboard's panels from what Prometheus answered to their queries: an SVG on standard output.

    python3 docs/draw-dashboard.py DASHBOARD.json DATA.json > docs/dashboard.svg

DATA.json is written by `make e2e-prometheus` where DASHBOARD_DATA names it: for each title the results of each query.
Needs nothing but Python.
"""

import html
import json
import math
import re
import sys

COLUMN, ROW, GAP = 50, 24, 8
COLOURS = ["#3274d9", "#e0752d", "#299c46", "#b877d9", "#c4162a", "#8f8f00", "#0b8fa8", "#d44a8a", "#6b6b6b"]
UNITS = {"s": " s", "reqps": "/s", "ops": "/s"}


def text(x, y, words, size=11, colour="#333", anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{html.escape(words)}</text>')


def shown(value, unit):
    if unit == "bool":
        return "yes" if value else "no"
    return f"{value:.3g}" + UNITS.get(unit, "") if abs(value) < 1000 else f"{value:,.0f}" + UNITS.get(unit, "")


def samples(series):
    return [(at, float(value)) for at, value in series["values"] if math.isfinite(float(value))]


def label(target, series):
    legend = target["legendFormat"]
    if legend == "__auto":
        return ""
    return re.sub(r"{{(\w+)}}", lambda found: series["metric"].get(found[1], ""), legend)


def lines_of(panel, results):
    for target, result in zip(panel["targets"], results, strict=True):
        for series in result:
            points = samples(series)
            if points:
                yield label(target, series), points


def stat(panel, results, x, y, width, height):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    for name, points in lines_of(panel, results):
        words = name or shown(points[-1][1], unit)
        yield text(x + width / 2, y + height / 2 + 18, words, 26, "#299c46", "middle", "bold")


def axis_end(value):
    if value <= 0:
        return 1.0
    step = 10 ** math.floor(math.log10(value))
    return next(step * factor for factor in (1, 2, 2.5, 5, 10) if step * factor >= value)


def chart(panel, results, x, y, width, height, begin, end):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    lines = [line for line in lines_of(panel, results)]
    # A line that never leaves zero says nothing in a legend of many.
    if len(lines) > 4:
        lines = [line for line in lines if any(value for _, value in line[1])] or lines[:1]
    # As many names in a row as there is room for the longest, at some 6 to a sign.
    longest = max((len(name) for name, _ in lines), default=0)
    columns = max(1, min(3, int((width - 20) / (20 + 6 * longest))))
    left, top, bottom = x + 52, y + 30, y + height - 20 - 14 * math.ceil(len(lines) / columns)
    right = x + width - 10
    top_value = axis_end(max((value for _, points in lines for _, value in points), default=1))
    for part in range(3):
        at = bottom - (bottom - top) * part / 2
        yield f'<line x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}" stroke="#e3e3e3"/>'
        yield text(left - 5, at + 4, shown(top_value * part / 2, unit), 9, "#777", "end")
    for index, (name, points) in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        place = [(left + (right - left) * (at - begin) / (end - begin), bottom - (bottom - top) * value / top_value)
                 for at, value in points]
        pieces, before = [], None
        for (at, _), (px, py) in zip(points, place, strict=True):
            pieces.append(f'{"M" if before is None or at - before > 5 else "L"}{px:.1f} {py:.1f}')
            before = at
        yield f'<path d="{" ".join(pieces)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        lx, ly = x + 12 + (index % columns) * (width - 20) / columns, bottom + 18 + 14 * (index // columns)
        yield f'<rect x="{lx:.1f}" y="{ly - 7:.1f}" width="8" height="8" fill="{colour}"/>'
        yield text(lx + 12, ly, name, 10)


def main():
    dashboard, data = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
    panels = dashboard["panels"]
    times = [at for results in data.values() for result in results for series in result for at, _ in series["values"]]
    begin, end = min(times), max(times)
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    width, height = 24 * COLUMN + GAP, bottom * ROW + GAP
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
          'font-family="system-ui, sans-serif">')
    print(f'<rect width="{width}" height="{height}" fill="#f4f5f5"/>')
    for panel in panels:
        grid = panel["gridPos"]
        x, y = grid["x"] * COLUMN + GAP, grid["y"] * ROW + GAP
        w, h = grid["w"] * COLUMN - GAP, grid["h"] * ROW - GAP
        print(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="3" fill="#fff" stroke="#dcdcdc"/>')
        print(text(x + 10, y + 18, panel["title"], 12, "#222", "start", "600"))
        results = data[panel["title"]]
        drawn = (stat(panel, results, x, y, w, h) if panel["type"] == "stat"
                 else chart(panel, results, x, y, w, h, begin, end))
        print("\n".join(drawn))
    print("</svg>")


main()
