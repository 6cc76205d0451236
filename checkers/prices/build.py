"""Makes the packaged price book from files of price facts: `python -m checkers.prices.build SOURCE_DIR`.

A fact file is `<provider>.csv.gz` with the columns `provider` and `COLUMNS`; `sources.csv` says where each `source` is
from. The same facts give the same bytes, so a diff of the book is a diff of prices.
"""

import csv
import gzip
import hashlib
import io
import json
import sys
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from contracts.errors import ConfigError

SCHEMA_VERSION = 1
# The services that some check prices; more make the package larger, not wrong.
SERVICES = {"aws": ("ebs", "ec2", "network"), "azure": ("disk",), "gcp": ("storage",)}
COLUMNS = ("service", "region", "sku", "variant", "unit", "usd", "basis", "effective_date", "source")
KEY = ("service", "region", "sku", "variant")  # a checker asks without the unit, so that one price must be left
DECIMALS = 10  # the finest price in the facts has eight (a request to a magnetic volume)

Row = dict[str, str]


def build(facts: Path, book: Path) -> dict[str, int]:
    """Write the book's files into `book` and return the number of prices per provider.

    Raises ConfigError naming file and line for wrong columns, an amount that is not a positive decimal, a date that is
    none, a source that `sources.csv` does not have, or a key that stands twice.
    """
    sources = {row["id"]: row for row in _read(facts / "sources.csv")}
    counts, files, used = {}, {}, set()
    for provider in SERVICES:
        rows = _prices(facts / f"{provider}.csv.gz", provider, set(sources))
        packed = _packed(_csv(rows, COLUMNS))
        (book / f"{provider}.csv.gz").write_bytes(packed)
        dates = [row["effective_date"] for row in rows]
        files[f"{provider}.csv.gz"] = {
            "rows": len(rows),
            "sha256": hashlib.sha256(packed).hexdigest(),
            "min_effective_date": min(dates, default=None),
            "max_effective_date": max(dates, default=None),
        }
        counts[provider] = len(rows)
        used |= {row["source"] for row in rows}
    kept = [sources[name] for name in sorted(used)]
    (book / "sources.csv").write_bytes(_csv(kept, tuple(kept[0]) if kept else ("id",)))
    manifest = {"schema_version": SCHEMA_VERSION, "currency": "USD", "files": files}
    (book / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return counts


def _prices(path: Path, provider: str, sources: set[str]) -> list[Row]:
    """Return the checked rows of the wanted services, sorted by key."""
    seen: dict[tuple[str, ...], int] = {}
    kept: list[Row] = []
    for line, row in enumerate(_read(path), start=2):  # line 1 is the header
        if tuple(row) != ("provider", *COLUMNS):
            raise ConfigError(str(path), "header", f"must be exactly provider,{','.join(COLUMNS)}")
        if row["service"] not in SERVICES[provider]:
            continue
        key = tuple(row[name] for name in KEY)
        first = seen.setdefault(key, line)
        problem = _problem(row, provider, sources) or (f"the key of line {first} again: {key}" if first != line else "")
        if problem:
            raise ConfigError(str(path), f"line {line}", problem)
        kept.append({**{name: row[name] for name in COLUMNS}, "usd": f"{Decimal(row['usd']).normalize():f}"})
    return sorted(kept, key=lambda row: tuple(row[name] for name in KEY))


def _problem(row: Row, provider: str, sources: set[str]) -> str:
    """Say what is wrong with a price; empty when nothing is."""
    if row["provider"] != provider:
        return f"provider is {row['provider']!r}, not {provider!r}"
    blank = [name for name in COLUMNS if name != "variant" and not row[name]]
    if blank:
        return f"{blank[0]} is empty"
    if row["source"] not in sources:
        return f"source {row['source']!r} is not in sources.csv"
    try:
        date.fromisoformat(row["effective_date"])
        usd = Decimal(row["usd"])
    except (ValueError, InvalidOperation):
        return f"cannot read usd {row['usd']!r} or effective_date {row['effective_date']!r}"
    if not usd.is_finite() or usd <= 0 or round(usd, DECIMALS) != usd:
        return f"usd is {row['usd']}; a price is above zero with at most {DECIMALS} decimals"
    return ""


def _read(path: Path) -> list[Row]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(str(path), "file", "does not exist") from error
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _csv(rows: list[Row], columns: tuple[str, ...]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8")


def _packed(raw: bytes) -> bytes:
    return gzip.compress(raw, compresslevel=9, mtime=0)  # no time stamp: the same prices are the same bytes


if __name__ == "__main__":
    made = build(Path(sys.argv[1]), Path(__file__).parent)
    sys.stdout.write("".join(f"{provider}: {count} prices\n" for provider, count in made.items()))
