"""Figures as a Markdown table that can also be read as it stands."""


def show(heads, rows):
    """The first column holds names; the figures of the others stand to the right. A figure that there is none of is left empty."""
    cells = [heads] + [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(heads))]
    words = {column for column in range(len(heads)) if not any(number(row[column]) for row in cells[1:])}

    def line(row):
        places = (cell.ljust(width) if column in words else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths)))
        return f"| {' | '.join(places)} |"

    def rule(column, width):
        return "-" * (width + 2) if column in words else "-" * (width + 1) + ":"

    print(line(cells[0]))
    print(f"|{'|'.join(rule(column, width) for column, width in enumerate(widths))}|")
    for row in cells[1:]:
        print(line(row))
    print(flush=True)


def number(cell):
    return cell.removeprefix("-")[:1].isdigit()


def figures(rows, taken):
    """What every table tells of a run: how fast, how long, and what it took."""
    return [
        f"{rows / taken.seconds:,.0f}",
        f"{taken.seconds:.2f}",
        f"{taken.processor_seconds:.2f}",
        f"{taken.server_seconds:.2f}" if taken.server_seconds is not None else None,
        f"{taken.peak_bytes / 2**20:.1f}",
        f"{taken.events / rows * 1000:.2f}" if taken.events is not None else None,
        per_cent(taken.spread),
    ]


FIGURES = ["records/s", "seconds", "CPU s", "server CPU s", "peak MiB", "events per 1,000", "spread"]


def per_cent(part):
    return f"{part * 100:.1f} %" if part is not None else None
