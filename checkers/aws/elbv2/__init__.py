"""Datasets of Elastic Load Balancing v2."""
