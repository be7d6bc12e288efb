"""Two kinds of plot, written as SVG by hand: lines over a logarithmic axis."""

import html
import math

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 44, 54
SHOWN = (0.1, 99.9)  # percent of the deliveries: the few beyond would take most of the axis
COLOURS = {
    "bare": "#6b7280", "runnel, redis log": "#d62728", "runnel, memory log": "#ff9f40", "nchan": "#1f77b4",
    "nchan, redis": "#17becf", "Node": "#2ca02c",
}
STYLE = ("text{font:12px sans-serif;fill:#333}.title{font-size:15px;font-weight:bold}"
         ".grid{stroke:#ddd}.axis{stroke:#666}.line{fill:none;stroke-width:2}")


class Scale:
    """From values to pixels."""

    def __init__(self, low, high, begin, end, is_log):
        self.is_log = is_log
        self.low, self.high = self._inner(low), self._inner(high)
        self.begin, self.end = begin, end

    def _inner(self, value):
        return math.log10(value) if self.is_log else value

    def __call__(self, value):
        share = (self._inner(value) - self.low) / ((self.high - self.low) or 1)
        return self.begin + share * (self.end - self.begin)


def _text(x, y, text, anchor="middle", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{html.escape(str(text))}</text>'


def _grid(x, y, ticks_x, ticks_y):
    for value, label in ticks_x:
        yield f'<line class="grid" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        yield _text(x(value), HEIGHT - BOTTOM + 18, label)
    for value, label in ticks_y:
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield _text(LEFT - 8, y(value) + 4, label, "end")


def _lines(x, y, series, has_dots):
    """Each line, and its name beside the plot."""
    for index, (name, points) in enumerate(series.items()):
        colour = COLOURS.get(name, "#9467bd")
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        yield f'<polyline class="line" stroke="{colour}" points="{path}"/>'
        if has_dots:
            yield from (f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>' for a, b in points)
        row = TOP + 14 + 20 * index
        yield f'<line stroke="{colour}" stroke-width="3" x1="{WIDTH - RIGHT + 14}" x2="{WIDTH - RIGHT + 34}" ' \
              f'y1="{row}" y2="{row}"/>'
        yield _text(WIDTH - RIGHT + 40, row + 4, name, "start")


def _draw(title, names, scales, ticks, series, has_dots=False):
    x, y = scales
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
             f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             _text(middle, 24, title, kind="title"), *_grid(x, y, *ticks),
             f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
             *_lines(x, y, series, has_dots), _text(middle, HEIGHT - 12, names[0]),
             f'<g transform="translate(18 {TOP + (HEIGHT - TOP - BOTTOM) / 2}) rotate(-90)">'
             f"{_text(0, 0, names[1])}</g>", "</svg>"]
    return "\n".join(parts) + "\n"


def _scales(xs, ys):
    return (Scale(*xs, LEFT, WIDTH - RIGHT, True), Scale(*ys, HEIGHT - BOTTOM, TOP, False))


def cost_by_clients(by_clients):
    """{server: {clients: us}}"""
    series = {name: sorted((int(c), us) for c, us in points.items()) for name, points in by_clients.items()}
    clients = sorted({c for points in series.values() for c, _ in points})
    step = 5 if max(us for points in series.values() for _, us in points) > 12 else 2
    top = step * math.ceil(max(us for points in series.values() for _, us in points) / step)
    ticks = ([(c, f"{c:,}") for c in clients], [(v, v) for v in range(0, top + 1, step)])
    return _draw("CPU a delivery, single events to one channel", ("clients", "us of server CPU a delivery"),
                 _scales((clients[0], clients[-1]), (0, top)), ticks, series, True)


def _percentiles(histogram):
    """Points (ms, share of the deliveries in percent) of a cumulated histogram."""
    total = sum(count for _, count in histogram)
    seen = 0
    for us, count in histogram:
        seen += count
        yield max(us, 1) / 1e3, 100 * seen / total


def latency(histograms):
    """{server: [[us, count], …]}"""
    series = {name: list(_percentiles(histogram)) for name, histogram in histograms.items()}
    series = {name: [p for p in points if SHOWN[0] <= p[1] <= SHOWN[1]] or points for name, points in series.items()}
    low = 10 ** math.floor(math.log10(min(points[0][0] for points in series.values())))
    high = 10 ** math.ceil(math.log10(max(points[-1][0] for points in series.values())))
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    ticks = ([(10 ** d, f"{10 ** d:g}") for d in decades], [(v, f"{v} %") for v in range(0, 101, 20)])
    return _draw("Publish to receipt, 100 clients, 50 events/s", ("ms", "deliveries received within"),
                 _scales((low, high), (0, 100)), ticks, series)
