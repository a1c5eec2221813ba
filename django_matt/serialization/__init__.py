"""Serialization: a response schema becomes a plan once, and an encoder writes each result as JSON by that plan.

``plan`` makes the plan, ``core_schemas`` reads the schema for it, ``encoder`` writes. ``query_plans`` and ``requirements``
work out what a schema reads of the database. ``inputs`` is the other direction: what requests bring.
"""
