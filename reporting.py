"""How a process reports: structured log lines, as JSON for machines or in colour for people."""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from settings import Settings


def configure(chosen: Settings) -> None:
    """Sends structlog's lines, and those of libraries, to standard error, as the settings choose.

    Lines carry what is bound to the running task: request and task ids.
    """
    level = logging.getLevelNamesMapping()[chosen.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if chosen.log_format == "json":
        last: list[structlog.typing.Processor] = [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # locals hold secrets
            structlog.processors.JSONRenderer(),
        ]
    else:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    # Its debug lines hold whole answers of the API server, Secrets among them.
    logging.getLogger("kubernetes_asyncio").setLevel(logging.INFO)
