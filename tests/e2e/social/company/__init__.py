"""A company's identity provider, which is a project of its own."""
