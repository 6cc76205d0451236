"""The dialects of bills: each module of this folder is one, because it exists."""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from jobs.costs.dialect import Column, Dialect


def dialects() -> list[Dialect]:
    """Return every dialect, in the order in which they are asked."""
    found = [import_module(f"{__name__}.{module.name}").DIALECT for module in iter_modules(__path__)]
    return sorted(found, key=lambda dialect: (dialect.rank, dialect.name))


def recognised(columns: Sequence[Column]) -> Dialect | None:
    """Return the dialect of a file by its columns, never by its path; None when nobody knows it."""
    return next((dialect for dialect in dialects() if dialect.recognise(columns)), None)
