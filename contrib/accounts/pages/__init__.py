"""The HTML pages of an account: allauth's views with templates that need no inline script or style."""
