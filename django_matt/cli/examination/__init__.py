"""The examination that ``matt doctor`` runs in the project's Python. Each part yields findings of its own."""
