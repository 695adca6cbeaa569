"""The pool's results as one page that needs nothing else: charts in SVG, all figures in tables."""
import html

import table
from rounds import REFERENCE

# By name, so that a contestant has its colour on every chart; others take what is left.
COLOURS = {"dbtool": "#0b6e4f", "dbtool tokens": "#5fb49c", "pgbouncer": "#c2571a", "direct": "#7a7f87"}
MORE_COLOURS = ["#3d5a98", "#8e5aa8", "#b0892f", "#4a8fb5"]

STYLE = """
:root { --ink: #1c2126; --soft: #626a73; --line: #d9dde1; --ground: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #9aa2ab; --line: #3a4148; --ground: #15191d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); margin: 2rem auto;
       max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.head, figcaption, .notes { color: var(--soft); font-size: 0.86rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; } figure { margin: 0; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); } svg .value { fill: var(--ink); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.86rem; }
th, td { padding: 0.2rem 0.7rem; text-align: right; white-space: nowrap; } th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
tr.first td { border-top: 1px solid var(--line); } .legend span { margin-right: 1.2rem; }
.legend i { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.35em; border-radius: 2px; }
"""


def page(head, notes, results):
    who = list(dict.fromkeys(name for result in results for name in result.runs))
    colours = colours_of(who)
    legend = "".join(f'<span><i style="background:{colours[name]}"></i>{html.escape(name)}</span>' for name in who)
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
             f"<title>dbtool pool, measured</title><style>{STYLE}</style><h1>dbtool pool, measured</h1>",
             "<p class=head>" + html.escape(" · ".join(f"{name} {value}" for name, value in head.items())) + "</p>",
             "<ul class=notes>" + "".join(f"<li>{html.escape(note)}</li>" for note in notes) + "</ul>",
             f"<p class=legend>{legend}</p>"]
    for section, found in table.sections(results):
        parts.append(f"<h2>{html.escape(table.TITLES[section])}</h2>")
        parts.append("<div class=charts>" + "".join(charts(section, found, colours)) + "</div>")
        parts.append(figures_of(section, found))
    return "\n".join(parts) + "\n"


def colours_of(who):
    rest = iter(MORE_COLOURS * len(who))
    return {name: COLOURS.get(name) or next(rest) for name in who}


# --- Charts ---

def charts(section, found, colours):
    """What this section is about, a chart for each workload and mode where there are several."""
    if section == "load":
        for (workload, mode), group in grouped(found, ("workload", "mode")):
            about = f"{workload}, -M {mode}"
            yield bars(f"{about}: CPU per transaction, {REFERENCE} = 1", by_clients(group), colours,
                       lambda result, who: result.ratio(who, "cpu us"), line=1)
            yield bars(f"{about}: p99 / p50", by_clients(group), colours,
                       lambda result, who: result.median(who, "p99/p50"))
            yield bars(f"{about}: transactions per second", by_clients(group), colours,
                       lambda result, who: result.median(who, "tps"))
    elif section in ("tls", "calls", "instructions"):
        figure = {"tls": "cpu us", "calls": "system calls", "instructions": "instructions"}[section]
        for (mode,), group in grouped(found, ("mode",)):
            yield bars(f"-M {mode}: {figure}", by_clients(group), colours,
                       lambda result, who: result.median(who, figure))
    else:
        figure = {"logins": "cpu us", "memory": "bytes per client", "bulk": "cpu us/MB",
                  "threads": "tps"}[section]
        yield bars(figure, [(result.case.name, result) for result in found], colours,
                   lambda result, who: result.median(who, figure), width=max(420, 190 * len(found)))


def grouped(found, labels):
    groups = {}
    for result in found:
        groups.setdefault(tuple(result.case.labels.get(label) for label in labels), []).append(result)
    return groups.items()


def by_clients(group):
    return [(f"{result.case.labels['clients']:,}", result) for result in group]


def bars(title, groups, colours, value, line=None, width=None, height=190):
    """A group of bars for each result. A bar that would be missing is left out, not drawn as 0."""
    rows = [(label, [(who, value(result, who)) for who in result.runs if value(result, who) is not None])
            for label, result in groups]
    rows = [(label, found) for label, found in rows if found]
    if not rows:
        return ""
    width = width or max(260, 60 + 82 * len(rows))
    top = max([v for _, found in rows for _, v in found] + [line or 0]) * 1.12 or 1
    left, bottom = 8, height - 22
    step = (width - left) / len(rows)
    y = lambda amount: bottom - amount / top * (bottom - 14)
    marks = [f'<line x1="{left}" x2="{width}" y1="{bottom}" y2="{bottom}" stroke="var(--line)"/>']
    if line is not None:
        marks.append(f'<line x1="{left}" x2="{width}" y1="{y(line):.1f}" y2="{y(line):.1f}" stroke="var(--soft)" '
                     'stroke-dasharray="3 3"/>')
    for number, (label, found) in enumerate(rows):
        wide = min(26, (step - 14) / len(found))
        start = left + number * step + (step - wide * len(found)) / 2
        for place, (who, amount) in enumerate(found):
            x = start + place * wide
            marks.append(f'<rect x="{x:.1f}" y="{y(amount):.1f}" width="{wide - 2:.1f}" '
                         f'height="{max(0, bottom - y(amount)):.1f}" fill="{colours[who]}">'
                         f"<title>{html.escape(who)}, {html.escape(label)}: {amount:,.2f}</title></rect>"
                         f'<text class="value" x="{x + wide / 2 - 1:.1f}" y="{y(amount) - 3:.1f}" '
                         f'text-anchor="middle" font-size="9">{short(amount)}</text>')
        marks.append(f'<text x="{left + (number + 0.5) * step:.1f}" y="{height - 6}" text-anchor="middle">'
                     f"{html.escape(label)}</text>")
    return (f'<figure><svg width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" role="img" '
            f'aria-label="{html.escape(title)}">{"".join(marks)}</svg><figcaption>{html.escape(title)}</figcaption></figure>')


def short(amount):
    if amount >= 10_000:
        return f"{amount / 1000:.0f}k"
    if amount >= 1000:
        return f"{amount / 1000:.1f}k"
    return f"{amount:.0f}" if amount >= 100 else f"{amount:.1f}" if amount >= 10 else f"{amount:.2f}"


# --- Tables ---

def figures_of(section, found):
    columns = table.COLUMNS[section]
    rows = []
    for result in found:
        for number, who in enumerate(result.runs):
            if who in result.reasons:
                cells = f"<td colspan={len(columns)}>{html.escape(result.reasons[who])}</td>"
            else:
                cells = "".join(f"<td>{table.cell(result, who, column)}</td>" for column in columns)
            name = html.escape(result.case.name) if number == 0 else ""
            rows.append(f"<tr{' class=first' if number == 0 else ''}><td>{name}</td><td>{html.escape(who)}</td>{cells}</tr>")
        if added := table.added_latency(result):
            said = ", ".join(f"{who} {value:.0f} µs" for who, value in added.items())
            rows.append(f"<tr><td></td><td colspan={len(columns) + 1}>added to direct: {html.escape(said)}</td></tr>")
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    return f"<div class=scroll><table><tr><th></th><th></th>{head}</tr>{''.join(rows)}</table></div>"
