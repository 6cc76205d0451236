"""How a row looks to people: its one JSON form, shared by the exports, the API and the command line."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from catalog.releases import Release
from contracts.tables import SCHEMA_VERSION


def finding_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a stored finding as JSON values: the columns' names and nesting, with evidence as an object.

    Amounts are decimal strings, times RFC 3339 in UTC, days ISO 8601, tags an object; unknown is null.
    """
    shown: dict[str, Any] = json_value(row)
    return {**shown, "tags": shown["tags"] or {}, "evidence": _evidence(row["evidence"])}


def document_head(release: Release) -> dict[str, Any]:
    """Return what every exported document begins with: whose it is and what it was made from."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tenant_id": release.tenant_id,
        "release": release.release,
        "run_id": release.run_id,
        "as_of": time_text(release.as_of),
    }


def json_value(value: Any) -> Any:
    """Return a value of a row as JSON knows it, all the way down."""
    if isinstance(value, dict):
        return {key: json_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [json_value(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return time_text(value)
    return value.isoformat() if isinstance(value, date) else value


def time_text(at: datetime) -> str:
    """Return an instant in RFC 3339, UTC; a fraction of a second only where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _evidence(text: str | None) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:  # the contract looks at the braces only; what is inside is shown as it came
        return text
