"""Doorward itself as a peer of the HTTP benchmark: the whole process, doors and housekeeping included."""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.installation import fill
from doorward.process.run import serve
from doorward.settings import Settings


def main() -> None:
    """Fill an installation, serve it, and print the ready line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--channels", type=int, default=10)
    parser.add_argument("--roles", type=int, default=200)
    parser.add_argument("--serve-as-is", action="store_true", help="the installation is there; --token is one of its")
    parser.add_argument("--token")
    parser.add_argument("--database", help="the URL of a database that is not in the directory")
    options = parser.parse_args()
    token = options.token
    if not options.serve_as_is:
        # In a process of its own: the server's memory is to be the server's.
        with ProcessPoolExecutor(1) as pool:
            sizes = {"people": options.people, "channels": options.channels, "roles": options.roles}
            token = pool.submit(fill, options.data_dir, **sizes).result()

    def ready(base_url: str) -> None:
        line = {"base_url": base_url, "token": token, "person_id": 1, "channel_id": 1}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    database = options.database or f"sqlite:///{options.data_dir / 'doorward.db'}"
    serve(Settings(options.data_dir, database, port=options.port, rate_limit=0), ready)


if __name__ == "__main__":
    main()
