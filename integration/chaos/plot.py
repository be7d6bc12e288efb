"""Lines over time as an SVG, by hand."""

WIDTH, HEIGHT, MARGIN = 900, 190, 60
COLOURS = ["#1f5fa8", "#b3472a", "#3c7a3c", "#7a5aa0"]


def _nice(top):
    """The next round number above it."""
    step = 1
    while step * 10 < top:
        step *= 10
    for factor in (1, 2, 5, 10):
        if factor * step >= top:
            return factor * step
    return top


def _time(second, end):
    return f"{second:.3g} s" if end < 300 else f"{second / 60:.3g} min"


def _panel(at, title, series, end):
    """series: name -> [(seconds, value)]."""
    top = _nice(max((value for points in series.values() for _, value in points), default=1) or 1)
    y0 = at + HEIGHT - 40
    wide, high = WIDTH - 2 * MARGIN, HEIGHT - 80
    out = [f'<text x="{MARGIN}" y="{at + 18}" font-weight="bold">{title}</text>']
    for part in (0, 0.5, 1):
        y = y0 - part * high
        out.append(f'<line x1="{MARGIN}" y1="{y:.1f}" x2="{MARGIN + wide}" y2="{y:.1f}" stroke="#ccc"/>')
        out.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{part * top:g}</text>')
    for part in (0, 0.25, 0.5, 0.75, 1):
        x = MARGIN + part * wide
        out.append(f'<text x="{x:.1f}" y="{y0 + 16}" text-anchor="middle">{_time(part * end, end)}</text>')
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{MARGIN + second / end * wide:.1f},{y0 - value / top * high:.1f}" for second, value in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.append(f'<text x="{WIDTH - MARGIN}" y="{at + 18 + 14 * number}" text-anchor="end" fill="{colour}">{name}</text>')
    return out


def svg(panels):
    """panels: title -> series."""
    end = max(second for series in panels.values() for points in series.values() for second, _ in points) or 1
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT * len(panels)}"'
             ' font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="#fff"/>']
    for number, (title, series) in enumerate(panels.items()):
        lines += _panel(number * HEIGHT, title, series, end)
    return "\n".join(lines + ["</svg>\n"])
