"""What the package logs, as the commands print it."""

from __future__ import annotations

import logging

from ..printing import msg


class Printer(logging.Handler):
    """A handler that prints information and warnings as the commands do."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        show = msg.warn if record.levelno >= logging.WARNING else msg.info
        show(record.getMessage())


def print_logs() -> None:
    """Print what the package logs from now on, except for what only helps to find faults."""
    logger = logging.getLogger("spacy_genner")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    logger.addHandler(Printer(logging.INFO))
