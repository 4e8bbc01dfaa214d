"""Prints what the pieces' benchmarks recorded in each of their rounds, as a table of medians in Markdown. See pieces.sh."""

import json
import statistics
import sys

COLUMNS = [
    ("ours per second", "per second", "{:,.0f}", 1),
    ("reference per second", "reference", "{:,.0f}", 1),
    ("thousandths of the reference", "ratio", "{:.3f} ×", 1000),
    ("CPU nanoseconds", "CPU ns each", "{:,.0f}", 1),
    ("reference CPU nanoseconds", "reference's", "{:,.0f}", 1),
    ("events per 1,000", "events each", "{:.2f}", 1000),
    ("microseconds", "seconds", "{:.3f}", 1_000_000),
]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        benchmarks = json.load(file)
    rows = []
    # What a piece does not record stands there as the piece before left it.
    before = {}
    for benchmark in benchmarks:
        name = benchmark["benchmark"].split(".", 3)[3].replace("_", " ")
        metrics = {key: value for key, value in benchmark["secondaryMetrics"].items() if before.get(key) != value}
        before = benchmark["secondaryMetrics"]
        values = [metrics[metric]["rawData"][0] if metric in metrics else [] for metric, _, _, _ in COLUMNS]
        cells = [median(rounds, shape, divisor) for rounds, (_, _, shape, divisor) in zip(values, COLUMNS)]
        rows.append(f"| {name} | {max(map(len, values))} | " + " | ".join(cells) + " |")
    print("| piece | rounds | " + " | ".join(title for _, title, _, _ in COLUMNS) + " |")
    print("|---|" + "---:|" * (1 + len(COLUMNS)))
    print("\n".join(sorted(rows)))


def median(values, shape, divisor):
    return shape.format(statistics.median(values) / divisor) if values else ""


if __name__ == "__main__":
    main()
