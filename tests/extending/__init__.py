"""A contrib app of the tests: it extends every API by one route and one schema scheme."""
