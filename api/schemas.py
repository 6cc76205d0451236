"""The OpenAPI side: JSON Schemas made from the Arrow schemas, and the answers that every operation declares."""

from typing import Any

import pyarrow as pa

from api.problems import MEDIA_TYPE
from contracts.tables import CORRELATED, COVERAGE, CURRENT, KPI_DAILY

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}
_SCALARS: tuple[tuple[Any, Schema], ...] = (
    (pa.types.is_boolean, {"type": ["boolean", "null"]}),
    (pa.types.is_integer, {"type": ["integer", "null"]}),
    (pa.types.is_decimal, {**_OPTIONAL_TEXT, "format": "decimal"}),
    (pa.types.is_timestamp, {**_OPTIONAL_TEXT, "format": "date-time"}),
    (pa.types.is_date, {**_OPTIONAL_TEXT, "format": "date"}),
)
_COUNTS: Schema = {"type": "object", "additionalProperties": {"type": "integer"}}


def object_of(**properties: Schema) -> Schema:
    """Return the schema of an object that has all of these members."""
    return {"type": "object", "required": list(properties), "properties": properties}


def of_arrow(kind: pa.DataType) -> Schema:
    """Return how a stored type looks in JSON; anything may be null but a map."""
    if pa.types.is_struct(kind):
        members = object_of(**{field.name: of_arrow(field.type) for field in kind})
        return {**members, "type": ["object", "null"]}
    if pa.types.is_map(kind):
        return {"type": "object", "additionalProperties": of_arrow(kind.item_type)}
    if pa.types.is_list(kind):
        return {"type": ["array", "null"], "items": of_arrow(kind.value_type)}
    return next((shown for is_of, shown in _SCALARS if is_of(kind)), _OPTIONAL_TEXT)


def _columns(schema: pa.Schema, **changed: Schema) -> Schema:
    return object_of(**{field.name: of_arrow(field.type) for field in schema} | changed)


_EVIDENCE: Schema = {"type": "object", "description": "What the check saw; its keys are the check's."}
_FINDING = _columns(CURRENT.schema, evidence=_EVIDENCE)
_MEMBERS: Schema = {"type": "array", "items": {"type": "object"}, "description": "The findings behind it, in short."}
_GAP = object_of(
    **dict.fromkeys(("provider", "subject", "name", "outcome", "error_code", "permission"), _OPTIONAL_TEXT),
    units={"type": "integer"},
)
SCHEMAS = {
    "Finding": _FINDING,
    "Correlation": _columns(CORRELATED.schema, evidence=_EVIDENCE, members=_MEMBERS),
    "Kpi": _columns(pa.schema([field for field in KPI_DAILY.schema if field.name != "tenant_id"])),
    "Coverage": _columns(COVERAGE.schema),
    "CoverageTotals": object_of(
        units=_COUNTS,
        checks={"type": "object", "additionalProperties": _COUNTS},
        gaps={"type": "array", "items": _GAP},
    ),
    "Run": object_of(
        **dict.fromkeys(("run_id", "workspace", "id_mode", "status"), _TEXT),
        sequence={"type": "integer"},
        as_of={**_TEXT, "format": "date-time"},
        result={"type": "object", "description": "Counts and seconds; empty until the run has finished."},
    ),
    "Page": object_of(next={**_OPTIONAL_TEXT, "description": "Cursor."}, limit={"type": "integer"}),
    "Meta": object_of(tenant_id=_TEXT, **dict.fromkeys(("release", "run_id", "as_of"), _OPTIONAL_TEXT)),
    "Problem": object_of(
        **dict.fromkeys(("type", "title", "detail", "code"), _TEXT),
        status={"type": "integer"},
        errors={"type": "array", "items": object_of(parameter=_TEXT, detail=_TEXT)},
    ),
}


def reference(name: str) -> Schema:
    """Return a reference to a schema of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_responses(item: str, **extra: Schema) -> dict[int | str, Schema]:
    """Declare the answers of a list of items."""
    data: Schema = {"type": "array", "items": reference(item)}
    return responses(object_of(data=data, page=reference("Page"), **extra, meta=reference("Meta")))


def one_responses(item: str) -> dict[int | str, Schema]:
    """Declare the answers of one item."""
    return responses(object_of(data=reference(item), meta=reference("Meta")))


def responses(schema: Schema) -> dict[int | str, Schema]:
    """Declare a good answer and the problems there can be instead."""
    problem = {MEDIA_TYPE: {"schema": reference("Problem")}}
    refused: dict[int | str, str] = {
        400: "A parameter or the cursor is wrong",
        401: "No valid API key",
        404: "Nothing here for this key",
        410: "The release of the cursor has expired",
        "default": "Any other failure",
    }
    return {
        200: {"description": "The released rows", "content": {"application/json": {"schema": schema}}},
        304: {"description": "The client's copy is still right"},
        **{status: {"description": text, "content": problem} for status, text in refused.items()},
    }
