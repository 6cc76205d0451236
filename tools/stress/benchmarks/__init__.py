"""One module per benchmark: what is measured, what it is measured against, and whether both gave the same answer."""
