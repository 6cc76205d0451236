"""What crosses a border: schemas, drafts, canonical form, identity, validation, errors."""
