"""Datasets and checks of Amazon Web Services."""
