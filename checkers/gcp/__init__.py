"""Datasets and checks of Google Cloud."""
