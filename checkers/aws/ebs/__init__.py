"""Checks of Amazon Elastic Block Store: volumes and snapshots."""
