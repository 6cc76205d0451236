"""Datasets and checks of Microsoft Azure."""
