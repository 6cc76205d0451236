"""FinOps rules: pure functions over declared datasets. A checker exists because its file exists; its id is its path."""
