"""Responses as JSON bytes: a schema becomes a plan once, an encoder writes values by the plan."""
