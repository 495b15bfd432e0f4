"""Logs in mozlog on standard output, by the formatter of dockerflow; ends on SIGTERM."""

import signal
import sys

CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "dockerflow.logging.JsonLogFormatter", "logger_name": "foreign"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}


def end_on_sigterm():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
