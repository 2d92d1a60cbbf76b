"""``isthmus version``."""

from __future__ import annotations


def version() -> None:
    """Print the version, the backend, what the CPU offers, and the threads in use."""
    import platform

    import isthmus
    from isthmus._core import system

    features = [name for name, present in system.cpu_features().items() if present]
    print(f"isthmus   {isthmus.__version__}")
    print(f"backend   {system.active_backend()} (of {', '.join(system.available_backends())})")
    print(f"cpu       {' '.join(features) or 'no vector extensions used'}")
    print(f"threads   {system.thread_count()}")
    print(f"python    {platform.python_version()} on {platform.system()} {platform.machine()}")
