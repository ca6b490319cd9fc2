"""`python -m tests.bench`: every benchmark, one after another."""

import asyncio
import logging
import sys

import structlog
import uvloop

from tests.bench import life, lists

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvloop.install()
    for benchmark in (lists, life):
        sys.stdout.writelines(f"{line}\n" for line in asyncio.run(benchmark.run()))
