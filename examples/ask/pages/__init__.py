"""The page, and the language model that needs no provider."""
