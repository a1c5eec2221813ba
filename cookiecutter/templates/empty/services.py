"""The verbs: rules and transactions, without HTTP."""
