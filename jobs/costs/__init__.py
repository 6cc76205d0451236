"""Bills: from files to facts (`ingest`), from facts to findings (`attribute`), and back again (`explain`)."""
