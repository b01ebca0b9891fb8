"""A corpus is a list of programs, each with the cause and the marked line of its fault."""

import inspect
import re
from dataclasses import dataclass
from typing import Any

FAULTS = []
RIGHT = []


@dataclass(frozen=True)
class Fault:
    program: Any
    cause: str

    @property
    def name(self):
        return self.program.__name__

    @property
    def line(self):
        """The line marked ``# <- name`` as ``file:number``."""
        file = inspect.getsourcefile(self.program)
        with open(file, encoding="utf-8") as lines:
            for number, text in enumerate(lines, 1):
                if re.search(rf"# <- {self.name}$", text.rstrip()):
                    return f"{file}:{number}"
        raise LookupError(f"no line is marked for {self.name}")


@dataclass(frozen=True)
class Outcome:
    fault: Fault
    diagnosis: Any

    @property
    def right_line(self):
        return self.diagnosis is not None and self.diagnosis.line == self.fault.line

    @property
    def right_cause(self):
        return self.diagnosis is not None and self.diagnosis.cause == self.fault.cause


def fault(cause):
    """Enter a program, which returns the diagnosis of its fault."""

    def enter(program):
        FAULTS.append(Fault(program, cause))
        return program

    return enter


def right(program):
    """Enter a program without a fault."""
    RIGHT.append(program)
    return program


def measure():
    """Run all programs with a fault."""
    return [Outcome(one, one.program()) for one in FAULTS]
