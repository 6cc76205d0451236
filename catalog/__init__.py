"""The only home of pyiceberg and of the SQL database beside it: tables, commits, releases, small mutable state."""
