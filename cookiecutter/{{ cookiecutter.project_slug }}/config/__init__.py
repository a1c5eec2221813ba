"""The project: settings, URLs, the API, and what every request passes."""
