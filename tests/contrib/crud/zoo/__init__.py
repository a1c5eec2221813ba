"""A project with more than sixty models: each kind of field, relation, key, rule and name that Django has."""
