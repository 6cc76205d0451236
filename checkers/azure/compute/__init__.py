"""Datasets and checks of Azure compute: managed disks."""
