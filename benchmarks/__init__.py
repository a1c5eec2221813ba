"""The same work on MattAPI, its peers and hand-written Django, side by side."""
