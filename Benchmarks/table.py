"""Results of the pool's part as text."""
from rounds import REFERENCE

# Columns by section; a ratio to pgbouncer, or a difference to direct, stands behind what it is of.
COLUMNS = {
    "load": ["cpu us", "cpu us ×", "ticks us", "switches", "tps", "tps ×", "p50 ms", "p95 ms", "p99 ms", "p99/p50"],
    "tls": ["cpu us", "cpu us ×", "switches", "tps", "p50 ms", "p99 ms", "p99/p50"],
    "logins": ["logins/s", "logins/s ×", "cpu us", "cpu us ×"],
    "memory": ["bytes per client", "bytes per client ×", "empty MB", "full MB"],
    "bulk": ["MB/s", "MB/s ×", "cpu us/MB", "cpu us/MB ×", "peak kB"],
    "threads": ["tps", "tps ×", "cpu us", "cpu us ×", "cores", "server's cores"],
    "calls": ["system calls", "system calls ×"],
    "instructions": ["instructions", "instructions ×", "allocations", "retains", "releases", "objects", "exclusivity"],
}
TITLES = {
    "load": "Load: the pooler's CPU per transaction, and what clients see",
    "tls": "The same with TLS towards clients",
    "logins": "Logins with one query each",
    "memory": "Memory of clients that ask for nothing",
    "bulk": "Many bytes",
    "threads": "More than one loop: simple queries to a server that answers from memory",
    "calls": "System calls per transaction",
    "instructions": "Instructions in user space, and calls of the runtime, per transaction",
}


def cell(result, who, column):
    name, is_ratio, _ = column.partition(" ×")
    value = result.ratio(who, name) if is_ratio else result.median(who, name)
    if value is None:
        return ""
    if is_ratio:
        return f"{value:.2f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def added_latency(result):
    """{contestant: µs that it adds to a single client's transaction}"""
    if result.case.labels.get("clients") != 1 or "direct" not in result.runs:
        return {}
    added = {who: result.difference(who, "p50 ms", "direct") for who in result.runs if who != "direct"}
    return {who: value * 1000 for who, value in added.items() if value is not None}


def sections(results):
    """[(section, its results)] in the order in which they were measured."""
    return [(section, found) for section in COLUMNS
            if (found := [result for result in results if result.case.section == section])]


def text(results, notes):
    lines = []
    for section, found in sections(results):
        columns = COLUMNS[section]
        widths = [max(10, len(column) + 2) for column in columns]
        lines += ["", TITLES[section] + f" (× = ratio to {REFERENCE}, median of the rounds')", "",
                  f"{'':56}" + "".join(f"{column:>{width}}" for column, width in zip(columns, widths))]
        for result in found:
            for number, who in enumerate(result.runs):
                head = f"{result.case.name if number == 0 else '':42}{who:14}"
                if who in result.reasons:
                    lines.append(f"{head}  {result.reasons[who]}")
                else:
                    lines.append(head + "".join(f"{cell(result, who, column):>{width}}"
                                                for column, width in zip(columns, widths)))
            if added := added_latency(result):
                lines.append(f"{'':42}added to direct: " + ", ".join(f"{who} {value:.0f} µs" for who, value in added.items()))
    return "\n".join(lines + [""] + notes)
