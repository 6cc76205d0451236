"""What focus-validator says of an export, rule by rule."""
