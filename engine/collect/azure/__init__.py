"""What is read of Azure: one module per service, with `fetch_<kind>` for the I/O and `parse_<kind>` for the shapes."""
