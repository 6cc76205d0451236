"""The run: configuration, planning, collectors, Ray tasks and writer actors, the `finops` command line."""
