"""The Dockerfile, .dockerignore and compose.yaml as data, as far as ours go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Step:
    """One instruction: `RUN`, and what follows it on its lines."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words, or the list of the exec form."""
        return [str(each) for each in json.loads(self.text)] if self.is_exec else self.text.split()

    @property
    def is_exec(self) -> bool:
        return self.text.startswith("[")


@dataclass
class Stage:
    """What stands between one FROM and the next."""

    base: str
    name: str | None
    steps: list[Step] = field(default_factory=list)

    def last(self, name: str) -> Step:
        return [step for step in self.steps if step.name == name][-1]


def stages(text: str) -> list[Stage]:
    """Read a Dockerfile."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            base, *alias = rest.split()
            found.append(Stage(base, alias[1] if alias else None))
        elif name:
            found[-1].steps.append(Step(name, rest.strip()))
    return found


def assignments(text: str) -> list[tuple[str, str]]:
    """Read what ENV or LABEL sets."""
    return [(name, value.strip('"')) for name, value in re.findall(r'([\w.]+)=("[^"]*"|\S+)', text)]


def in_context(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a .dockerignore lets a file through: the last pattern that fits it or a folder above it decides."""
    places = [path, *(str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")]
    wanted = True
    for pattern in patterns:
        bare = pattern.removeprefix("!").removeprefix("**/")
        names = [PurePosixPath(place).name for place in places] if "**/" in pattern else places
        if any(fnmatch(name, bare) and not ("/" in name and bare == "*") for name in names):
            wanted = pattern.startswith("!")
    return wanted


def ignore_patterns() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def compose() -> dict[str, Any]:
    """Read compose.yaml, which has no variables."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return document
