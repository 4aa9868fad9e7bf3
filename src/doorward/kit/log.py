"""What is written to standard error: one JSON object a line, by us and by libraries."""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import Processor

PROCESSORS: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # Without the values of variables, which may be secrets: the library's own way would print them.
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
)
"""What makes a line of what we have to say."""


def configure_logging() -> None:
    """One JSON object a line on standard error, also for what libraries have to say."""
    said_by_libraries = logging.StreamHandler(sys.stderr)
    said_by_libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[said_by_libraries], force=True)
    structlog.configure(
        processors=list(PROCESSORS),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
