"""The shop: models, what the API shows of them, and the verbs."""
