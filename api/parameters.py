"""Query parameters: what a path declares is accepted, bounded and typed; anything else is refused by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema
from starlette.requests import Request

from api.problems import parameter_problem

MAX_VALUES = 50  # of one repeated parameter
MAX_PARAMETERS = 200
TAG = "tag."
_TEXT_LIMIT = 2048  # the longest resource id that the contract lets in
_TAG_KEY_LIMIT = 256  # AWS allows 128 characters, Azure 512 for a name but 256 here with a value, GCP 63

MANY: Any = Field(default_factory=list, max_length=MAX_VALUES)
Text = Annotated[str, StringConstraints(min_length=1, max_length=_TEXT_LIMIT)]
Texts = Annotated[list[Text], MANY]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a text as one of a closed list of words."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as the enumeration of the words, and say so in OpenAPI."""
        return core_schema.literal_schema(list(self.words))


class PageQuery(BaseModel):
    """Which part of a list: every list has these."""

    limit: int = Field(50, ge=1, le=1000, description="Rows in one answer.")
    cursor: str | None = Field(None, max_length=16_384, description="`page.next` of the answer before.")


def matching(query: BaseModel, columns: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    """Return one condition per parameter that was given: the column is one of the values."""
    given = {name: getattr(query, name) for name in columns}
    return [columns[name].is_in(values) for name, values in given.items() if values]


def tags_matching(request: Request) -> list[pl.Expr]:
    """Return one condition per `tag.<key>`: the resource has that tag with one of the values."""
    names = [name for name in dict.fromkeys(request.query_params) if name.startswith(TAG)]
    return [_tag(name.removeprefix(TAG), request.query_params.getlist(name)) for name in names]


def check_names(request: Request, declared: Mapping[str, Any], *, tags: bool) -> None:
    """Refuse parameters that the path does not have (a typo must not widen a result), and too many of them.

    `declared` maps the path's parameters to their JSON Schemas. Raises Problem.
    """
    given = request.query_params.multi_items()
    if len(given) > MAX_PARAMETERS:
        raise parameter_problem("invalid_parameter", "query", f"more than {MAX_PARAMETERS} parameters")
    for name in dict(given):
        if tags and name.startswith(TAG):
            _check_tag(name, request.query_params.getlist(name))
        elif name not in declared:
            allowed = ", ".join([*sorted(declared), *([f"{TAG}<key>"] if tags else [])]) or "none"
            raise parameter_problem("unknown_parameter", name[:_TAG_KEY_LIMIT], f"unknown; allowed: {allowed}")
        elif declared[name].get("type") != "array" and len(request.query_params.getlist(name)) > 1:
            raise parameter_problem("invalid_parameter", name, "may be given once")


def _check_tag(name: str, values: list[str]) -> None:
    key = name.removeprefix(TAG)
    if not 0 < len(key) <= _TAG_KEY_LIMIT:
        raise parameter_problem("invalid_parameter", TAG, f"the key must have 1 to {_TAG_KEY_LIMIT} characters")
    if len(values) > MAX_VALUES or max(map(len, values)) > _TEXT_LIMIT:
        limits = f"at most {MAX_VALUES} values of at most {_TEXT_LIMIT} characters"
        raise parameter_problem("invalid_parameter", name, limits)


def _tag(key: str, values: list[str]) -> pl.Expr:
    return pl.col("tags").map.get(pl.lit(key)).is_in(values)
