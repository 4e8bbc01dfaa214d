"""Prints what the pieces' benchmarks recorded, as a table in Markdown. See pieces.sh."""

import json
import statistics
import sys

COLUMNS = [
    ("ours per second", "per second", "{:,.0f}", 1),
    ("reference per second", "reference", "{:,.0f}", 1),
    ("thousandths of the reference", "ratio", "{:.2f} ×", 1000),
    ("CPU nanoseconds", "CPU µs each", "{:.2f}", 1000),
    ("reference CPU nanoseconds", "reference's", "{:.2f}", 1000),
    ("events per 1,000", "events each", "{:.2f}", 1000),
    ("microseconds", "seconds", "{:.3f}", 1_000_000),
]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        benchmarks = json.load(file)
    print("| piece | rounds | " + " | ".join(title for _, title, _, _ in COLUMNS) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    # A metric that a benchmark does not record stands there as the one before left it.
    before = {}
    for benchmark in benchmarks:
        name = benchmark["benchmark"].split(".", 3)[3].replace("_", " ")
        metrics = {key: value for key, value in benchmark["secondaryMetrics"].items() if before.get(key) != value}
        before = benchmark["secondaryMetrics"]
        cells = []
        rounds = 0
        for metric, _, shape, divisor in COLUMNS:
            values = recorded(metrics, metric)
            rounds = max(rounds, len(values))
            cells.append(shape.format(statistics.median(values) / divisor) if values else "")
        print(f"| {name} | {rounds} | " + " | ".join(cells) + " |")


def recorded(metrics, metric):
    return [value for values in metrics.get(metric, {}).get("rawData", []) for value in values]


if __name__ == "__main__":
    main()
