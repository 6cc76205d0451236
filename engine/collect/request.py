"""What a collector is asked: which unit, with what access, as of when, and for metrics about which resources."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.units import Unit
from engine.plan import Access

Row = dict[str, Any]  # one row of a dataset, without the unit key; Azure and GCP rows bring their own `region`
Page = dict[str, Any]  # one page of an API's answer, in the shape its reference documents


@dataclass(frozen=True, slots=True)
class Request:
    """One reading to make; `subjects` are the ids of the inventory rows a metric is wanted for."""

    unit: Unit
    access: Access
    as_of: datetime
    subjects: tuple[str, ...] = ()
