"""Disks that are small, and disks whose power is cut. Both need root."""

import os
import subprocess
from contextlib import contextmanager

from violation import Skipped


def _run(*command):
    end = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if end.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {end.stderr.strip()}")


def _mount(*arguments):
    if os.geteuid() != 0:
        raise Skipped("mounting a disk needs root")
    try:
        _run("mount", *arguments)
    except OSError as error:
        raise Skipped(f"disks cannot be mounted here ({error})") from None


class SmallDisk:
    """A disk in memory with so much room."""

    def __init__(self, folder, kilobytes):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder)

    def grow(self):
        _run("mount", "-o", "remount,size=512m", self.folder)

    def remove(self):
        _run("umount", "--lazy", self.folder)


class FragileDisk:
    """A disk in a file that takes nothing in unless it is told to: what was not synced is gone when the power is cut."""

    MEGABYTES = 96

    def __init__(self, folder, image):
        self._folder, self._image, self._cuts = folder, image, 0
        with open(image, "wb") as file:
            file.truncate(self.MEGABYTES << 20)
        _run("mkfs.ext4", "-q", "-F", image)
        self._mount()

    def _mount(self):
        # The journal is written when somebody syncs, and not every five seconds.
        _mount("-o", "loop,commit=300", self._image, self._folder)

    def sync(self):
        _run("sync", "--file-system", self._folder)

    def cut(self, random):
        """Goes on with the disk as it is at this moment, without what was only in memory, but for some files that the system happened to
        write by itself just before. No program may work on it."""
        for file in sorted(self._folder.rglob("*")):
            if file.is_file() and random.random() < 0.2:
                with open(file, "rb") as opened:
                    os.fsync(opened.fileno())
        self._cuts += 1
        image = self._image.with_suffix(f".{self._cuts}")
        _run("cp", "--sparse=always", self._image, image)
        self.remove()
        self._image.unlink()
        self._image = image
        self._mount()

    def remove(self):
        _run("umount", self._folder)


@contextmanager
def removed_at_last(disk):
    try:
        yield disk
    finally:
        disk.remove()
