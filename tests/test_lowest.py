"""Which versions `python -m tests.lowest` installs."""

import tomllib

import pytest

from lowest import ROOT, SAMPLE, lowest_versions

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def project(dependencies, **extras):
    return {"project": {"name": "p", "dependencies": dependencies, "optional-dependencies": extras}}


def test_a_requirement_is_held_to_its_lower_bound():
    assert lowest_versions(project(["numpy>=2.0"])) == ["numpy==2.0"]


def test_what_two_extras_need_is_held_once_and_the_package_itself_not_at_all():
    both = project(["numpy>=2.0"], a=["scipy>=1.13"], b=["p[a]", "scipy>=1.13", "tool-x>=3"])
    assert lowest_versions(both) == ["numpy==2.0", "scipy==1.13", "tool-x==3"]


@pytest.mark.parametrize("requirement", ["numpy", "numpy==2.0", "numpy>=2.0,<3", "numpy>2"])
def test_a_requirement_without_a_plain_lower_bound_is_refused(requirement):
    with pytest.raises(ValueError, match=r"numpy.* has no lower bound; expected name>=version"):
        lowest_versions(project([requirement]))


def test_two_bounds_of_one_package_are_refused():
    with pytest.raises(ValueError, match=r"scipy has two lower bounds, 1\.13 and 1\.14"):
        lowest_versions(project([], a=["scipy>=1.13"], b=["scipy>=1.14"]))


def test_every_requirement_of_the_project_has_a_lower_bound():
    names = [line.partition("==")[0] for line in lowest_versions(PYPROJECT)]
    assert {"numpy", "llvmlite", "scikit-learn", "matplotlib", "click", "pytest"} <= set(names)


def test_the_sample_is_there():
    assert [file for file in SAMPLE if not (ROOT / file).is_file()] == []
