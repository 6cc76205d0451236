"""Datasets of Amazon CloudWatch metrics."""
