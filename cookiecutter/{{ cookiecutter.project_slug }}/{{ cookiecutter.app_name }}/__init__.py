"""{{ 'Items: an example to read and replace' if cookiecutter.__example else 'The first app' }}."""
