from . import group as group
from . import hash as hash
from . import system as system

__version__: str

def error_codes() -> list[str]: ...
