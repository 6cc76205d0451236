"""What is read of Google Cloud: a module per service, `fetch_<kind>` for the I/O, `parse_<kind>` for the shapes."""
