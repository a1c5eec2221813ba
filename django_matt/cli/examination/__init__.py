"""What ``matt doctor`` does in the project's own Python: each part yields findings, and none stops the others."""
