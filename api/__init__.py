"""The released tables over HTTP: read-only, one tenant per key."""
