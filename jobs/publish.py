"""Publish what the chain has made of a run: the tables that the API, the dashboard and the exports read."""

from datetime import datetime

from catalog.releases import Release
from catalog.releases import publish as publish_release
from catalog.warehouse import Warehouse
from contracts.tables import (
    ATTRIBUTION,
    CORRELATED,
    COVERAGE,
    CUR_FACTS,
    CUR_INGESTS,
    CURRENT,
    ENRICHED,
    KPI_DAILY,
    KPI_MONTHLY,
)

SERVED = (CURRENT, KPI_DAILY, KPI_MONTHLY, COVERAGE, CORRELATED, ENRICHED, ATTRIBUTION, CUR_FACTS, CUR_INGESTS)


def publish(warehouse: Warehouse, tenant_id: str, run_id: str, as_of: datetime) -> Release:
    """Release the served tables as they stand now; nothing new since the last release gives that release again."""
    return publish_release(warehouse, tenant_id, run_id, as_of, SERVED)
