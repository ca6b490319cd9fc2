"""`python -m tests.bench.cluster [overhead] [scale] [upstream]`: those named, or all."""

import sys

from tests.bench.cluster import overhead, scale, upstream

if __name__ == "__main__":
    benchmarks = {"overhead": overhead.run, "scale": scale.run, "upstream": upstream.run}
    for name in sys.argv[1:] or benchmarks:
        for line in benchmarks[name]():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
