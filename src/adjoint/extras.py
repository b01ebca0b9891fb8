"""An extra is a set of packages that a part of adjoint needs beside NumPy.

Which they are stands in ``pyproject.toml`` alone, and is read off the metadata of the installation.
Messages name the packages themselves, since a command that names adjoint would work for those alone
who installed it from where that command looks.
"""

from __future__ import annotations

import re

# On the index the name `adjoint` belongs to another project.
DISTRIBUTION = "adjoint-autodiff"

# What is installed under another name than it is imported by.
_INSTALLED_AS = {"sklearn": "scikit-learn", "python_calamine": "python-calamine"}
# A requirement in metadata: scipy>=1.13; extra == 'native'
_REQUIREMENT = re.compile(r"""([\w.-]+).*;.*\bextra\s*==\s*['"]([^'"]+)""")


def package_of(module: str) -> str:
    """Return what installs a module.

    >>> package_of("sklearn.metrics"), package_of("scipy.special")
    ('scikit-learn', 'scipy')
    """
    package = module.partition(".")[0]
    return _INSTALLED_AS.get(package, package)


def packages(extra: str) -> list[str]:
    """Return the packages of an extra; none if adjoint is a folder on the path, not installed."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
    found = [match.groups() for match in map(_REQUIREMENT.match, lines) if match]
    return sorted(package for package, owner in found if owner == extra)


def needs(purpose: str, module: str, extra: str) -> str:
    """Return the sentence that a module is missing, and the command that installs it.

    The other packages of the extra come with it if they are missing too.

    >>> needs("a fit", "tensorboardX", "tensorboard")
    'a fit needs tensorboardX: python -m pip install tensorboardX (the extra `tensorboard`)'
    """
    needed = package_of(module)
    missing = [name for name in packages(extra) if not _is_installed(name)]
    # Metadata have names in small letters.
    names = sorted([needed, *(name for name in missing if name != needed.lower())])
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{purpose} needs {listed}: {command(names)} (the extra `{extra}`)"


def command(names: list[str]) -> str:
    """Return the command that installs packages."""
    return f"python -m pip install {' '.join(names)}"


def _is_installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
