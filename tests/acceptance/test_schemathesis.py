"""The running server against its own OpenAPI document: no 5xx, no undocumented status, no answer outside its schema.

Schemathesis makes the requests: examples, coverage of every constraint, random ones, and chains of operations. One run
has a fixed seed, one a seed of its own, which it prints; DOORWARD_SEED in the environment repeats it.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.postgres import PostgresServer

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    *("response_schema_conformance", "unsupported_method", "allow_header_conformance", "ignored_auth"),
    *("use_after_free", "ensure_resource_availability"),
)
SAWING = ("revokeApplication", "deleteApplication", "updateUser")
"""Operations that may take the branch on which the run sits, its token or its user. They are tried apart."""
ENDLESS = ("streamEvents",)
"""Answers that never end, which a schema cannot describe; tests/integration/test_event_stream.py has them."""
FIXED_SEED = 20_260_101
# Of each operation; more find more, and take as much longer.
EXAMPLES = os.environ.get("DOORWARD_EXAMPLES", "6")
USUAL = ("--max-examples", EXAMPLES, *(part for name in SAWING + ENDLESS for part in ("--exclude-operation-id", name)))


def run(installation: Installation, made: dict[str, Any], *options: str) -> None:
    with installation.serving() as server:
        done = subprocess.run(
            [
                *(Path(sys.executable).parent / "schemathesis", "run", f"{server.base_url}/openapi.json"),
                *("--header", f"Authorization: Bearer {made['token']}"),
                *("--checks", ",".join(CHECKS), "--no-shrink", "--continue-on-failure", "--no-color"),
                *("--suppress-health-check", "all", "--request-timeout", "20", "--workers", "1"),
                *options,
            ],
            cwd=installation.data_dir,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        print(done.stdout[-6000:])
        assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-2000:]
        assert '"level":"error"' not in server.errors


def test_every_answer_is_as_the_document_says(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    phases = "examples,coverage,fuzzing,stateful"
    run(installation, installation.demo(), "--seed", str(FIXED_SEED), "--phases", phases, *USUAL)


def test_so_it_is_with_requests_that_nobody_has_seen_before(tmp_path: Path, postgresql: PostgresServer) -> None:
    seed = int(os.environ.get("DOORWARD_SEED") or secrets.randbelow(2**31))
    print(f"seed {seed}")
    installation = Installation(tmp_path / "data", postgresql.create_database("schemathesis"))
    run(installation, installation.demo(), "--seed", str(seed), "--phases", "fuzzing,stateful", *USUAL)


@pytest.mark.parametrize("operation", SAWING)
def test_so_is_the_answer_of_what_ends_the_run(tmp_path: Path, operation: str) -> None:
    installation = Installation(tmp_path / "data")
    made = installation.demo()
    chosen = ("--include-operation-id", operation, "--phases", "coverage,fuzzing", "--max-examples", "5")
    run(installation, made, "--seed", str(FIXED_SEED), *chosen)
