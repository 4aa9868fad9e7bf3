"""Decision cases as data: a door, its people, what was presented and when, and what has to come of it.

Every front end of the engine replays the same files: `load()` gives the cases as they are written (`Case`), to be put
into a database or sent to a controller; `Case.snapshot()` and its neighbours give them compiled, for the engine itself.
`schema.py` says what may stand in a file.
"""

from tests.vectors.cases import Case, load
from tests.vectors.schema import Expected

__all__ = ["Case", "Expected", "load"]
