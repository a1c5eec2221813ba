"""A shop: its orders, and what consumers write about them."""
