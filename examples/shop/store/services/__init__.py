"""The verbs of the shop; nothing here knows HTTP."""
