"""Programs around the engine: a simulated estate, and load, determinism and benchmark runs. Nobody imports them."""
