"""Builds the image as the Dockerfile says, in empty folders and without a container engine.

A stage is a folder that is made its own root: the system's programs and the Python of this machine are laid beneath it
as the base image would be (an overlay, so that nothing of the machine is changed), and the steps are carried out in it
literally, at the paths that they name. Linux, and root's rights, are needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.dockerfile import ROOT, Stage, assignments, ignore_patterns, in_context, stages

FROM_OUTSIDE = ("PIP_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy")
"""Where this machine gets packages from, which a builder would be told as well."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Image:
    """A root folder, and what the Dockerfile says about a process in it."""

    root: Path
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": f"{sys.base_prefix}/bin:{SYSTEM_PATH}", "HOME": "/"}
    )
    folder: str = "/"
    user: str | None = None

    def at(self, path: str) -> Path:
        """Give where a path of the image, absolute or from the working directory, lies on this machine."""
        return self.root / os.path.normpath(Path(self.folder, path)).lstrip("/")

    def command(self, words: Sequence[str]) -> list[str]:
        """Give the words that run a command inside: as the image's user, with no rights and none to be got."""
        started = ["chroot", str(self.root), "/usr/bin/env", "--chdir", self.folder]
        if self.user is None:
            return [*started, *words]
        user, _, group = self.user.partition(":")
        dropped = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        return [*started, "setpriv", f"--reuid={user}", f"--regid={group}", *dropped, "--", *words]

    def run(self, words: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(words), env=self.environment | more, capture_output=True, text=True, timeout=600, check=False
        )

    def start(self, words: Sequence[str], **more: str) -> subprocess.Popen[str]:
        """Start a command that goes on."""
        return subprocess.Popen(
            self.command(words),
            env=self.environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@contextmanager
def mounted(where: Path, *options: str) -> Iterator[None]:
    """Mount something for a while."""
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, str(where)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


@contextmanager
def overlaid(lower: Path, where: Path, scratch: Path) -> Iterator[Path]:
    """Lay a folder of the machine beneath one of the image; give where the changes go."""
    upper, work = scratch / "changed", scratch / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    layers = f"lowerdir={lower},upperdir={upper},workdir={work}"
    with mounted(where, "-t", "overlay", "-o", layers, "overlay"):
        yield upper


@contextmanager
def building_base(folder: Path) -> Iterator[Image]:
    """Give a base to build on: this machine, so that its package index can be reached; what is written is ours."""
    root = folder / "root"
    with ExitStack() as mounts:
        mounts.enter_context(overlaid(Path("/"), root, folder))
        for place in ("proc", "dev"):
            mounts.enter_context(mounted(root / place, "--rbind", f"/{place}"))
        outside = {name: value for name, value in os.environ.items() if name.startswith(FROM_OUTSIDE)}
        image = Image(root)
        image.environment |= outside | {"HOME": os.environ.get("HOME", "/root")}
        yield image


@contextmanager
def slim_base(folder: Path) -> Iterator[Image]:
    """Give a base to run on: the system's programs and this Python, and else nothing."""
    root = folder / "root"
    root.mkdir(parents=True)
    with ExitStack() as mounts:
        mounts.enter_context(overlaid(Path("/usr"), root / "usr", folder / "usr"))
        python = Path(sys.base_prefix)
        if not python.is_relative_to("/usr"):
            mounts.enter_context(overlaid(python, root / python.relative_to("/"), folder / "python"))
        for name in ("bin", "sbin", "lib", "lib64"):
            if Path("/", name).is_symlink():
                (root / name).symlink_to(Path("/", name).readlink())
        for name in ("etc", "tmp", "opt"):
            (root / name).mkdir()
        shutil.copy("/etc/passwd", root / "etc/passwd")
        (root / "etc/hosts").write_text("127.0.0.1 localhost database\n")
        for place in ("proc", "dev"):
            mounts.enter_context(mounted(root / place, "--rbind", f"/{place}"))
        yield Image(root)


@contextmanager
def read_only(image: Image) -> Iterator[None]:
    """Close the image to writing, but for /tmp."""
    with ExitStack() as mounts:
        mounts.enter_context(mounted(image.root / "tmp", "-t", "tmpfs", "tmpfs"))
        inner = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in inner:
            if place.startswith(f"{image.root}/") and place.endswith(("/usr", sys.base_prefix)):
                subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        mounts.enter_context(mounted(image.root, "--rbind", str(image.root)))
        subprocess.run(["mount", "-o", "remount,ro,bind", str(image.root)], check=True)
        yield


def context_files() -> list[str]:
    """Name the files that a builder would be given of a clean checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    patterns = ignore_patterns()
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file() and in_context(path, patterns)]


def carry_out(stage: Stage, image: Image, context: Path, built: Mapping[str, Image]) -> Iterator[str]:
    """Do what a stage says, and tell each step that was done."""
    for step in stage.steps:
        match step.name:
            case "ENV":
                for name, value in assignments(step.text):
                    image.environment[name] = value.replace("$PATH", image.environment["PATH"])
            case "WORKDIR":
                image.folder = step.text
                image.at(".").mkdir(parents=True, exist_ok=True)
            case "USER":
                image.user = step.text
            case "COPY":
                copy(step.words, image, context, built)
            case "RUN":
                ran = image.run(["/bin/sh", "-c", step.text])
                if ran.returncode != 0:
                    raise SystemExit(f"RUN {step.text}\n{ran.stdout}\n{ran.stderr}")
        yield f"{step.name} {step.text}"[:110]


def copy(words: Sequence[str], image: Image, context: Path, built: Mapping[str, Image]) -> None:
    """Copy as COPY does: a folder's content, a file under its name where the target ends in a slash."""
    *sources, target = [word for word in words if not word.startswith("--")]
    stage = next((word.removeprefix("--from=") for word in words if word.startswith("--from=")), None)
    for source in sources:
        found = built[stage].at(source) if stage else context / source
        place = image.at(target)
        if found.is_dir():
            shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(found, place / found.name if target.endswith("/") else place)


@contextmanager
def built_image(folder: Path) -> Iterator[tuple[Image, list[Stage]]]:
    """Build the image in a folder that is empty; give it with what the Dockerfile says."""
    context = folder / "context"
    for path in context_files():
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, context / path)
    build, runtime = found = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert build.name is not None
    with building_base(folder / "build") as building, slim_base(folder / "runtime") as running:
        for stage, image in ((build, building), (runtime, running)):
            for done in carry_out(stage, image, context, {build.name: building}):
                print(f"  {done}", flush=True)
        yield running, found
