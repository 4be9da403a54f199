"""All that ``results/bench`` holds, as one piece of Markdown for the README.

> python tests/benchmarks/table.py > table.md

Rows of comparisons come first, then tables of their own (growth, profile), then the
machines and versions they were measured with.

Authors
 * The mert_sb developers 2026
"""

import json

from _paired import FOLDER, HEADER, parser_of, row


def main():
    """Print."""
    parser_of(__doc__).parse_args()
    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("*.json"))
    ]
    paired = [record for record in records if "seconds" in record]
    print("\n".join([HEADER, *map(row, paired)]))
    for table in (record for record in records if "rows" in record):
        lines = [
            table["header"],
            ["---"] * len(table["header"]),
            *table["rows"],
        ]
        print(f"\n{table['title']}\n")
        for line in lines:
            print("| " + " | ".join(map(str, line)) + " |")
    of_machines = {
        (record["machine"], json.dumps(record["versions"], sort_keys=True))
        for record in records
    }
    print()
    for name, packages in sorted(of_machines):
        listed = ", ".join(f"{k} {v}" for k, v in json.loads(packages).items())
        print(f"Measured on {name}; {listed}.")


if __name__ == "__main__":
    main()
