"""An order board with a small event log, for the tests of realtime."""
