"""What visitors and staff see, over HTTP."""
