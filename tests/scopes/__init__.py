"""Scopes: an app of tables that belong to tenants, and what its requests may read."""
