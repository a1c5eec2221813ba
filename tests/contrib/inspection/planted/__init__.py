"""An app with migrations that the tests plan and apply."""
