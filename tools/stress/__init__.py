"""Load, determinism and benchmark programs over generated estates."""
