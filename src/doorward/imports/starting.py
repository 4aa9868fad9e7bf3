"""Let an import that has begun go on beside the answer that says so."""

import asyncio
from typing import Any, Final

from litestar import Request

from doorward.imports.checking import Options
from doorward.imports.csv_file import CsvFile
from doorward.imports.running import Job, carry_out
from doorward.imports.service import PeopleImport
from doorward.wire.changes import actor_of
from doorward.wire.context import context_of, principal_of

_under_way: Final[set["asyncio.Future[PeopleImport]"]] = set()
"""So that none is collected before it is done."""


def carry_out_beside(request: Request[Any, Any, Any], made: PeopleImport, file: CsvFile, options: Options) -> None:
    """Carry it out on a thread of its own, in the name of who asks."""
    context, principal = context_of(request), principal_of(request)
    actor = actor_of(request, principal)
    job = Job(context.database, context.vault, context.clock, made, file, options, principal, actor)
    task = asyncio.get_running_loop().run_in_executor(None, carry_out, job)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
