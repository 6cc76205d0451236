"""Batch work over tables: bills, attribution, correlation, lifecycle, KPIs, export. Queries lie in `sql/`."""
