"""The project: settings, URLs and the two gateways."""
