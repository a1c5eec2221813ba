"""A shop where the people of the company sign in."""
