"""Datasets of Amazon EC2 (its volumes and snapshots too) and checks of instances and addresses."""
