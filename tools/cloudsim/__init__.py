"""A simulated estate of three clouds with its bill: what is wasteful in it is known by construction."""
