"""Datasets and checks of Google Compute Engine: persistent disks."""
