from . import aggregate as aggregate
from . import bigint as bigint
from . import group as group
from . import hash as hash
from . import items as items
from . import oprf as oprf
from . import paillier as paillier
from . import records as records
from . import system as system

__version__: str

def error_codes() -> list[str]: ...
