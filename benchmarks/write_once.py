"""A file system whose files are written once, from start to end, as mounted object stores have it.

    python benchmarks/write_once.py SOURCE MOUNT

Shows the folder SOURCE at MOUNT until it is unmounted. A file appears under its name once it is
closed; it cannot be opened to be written again, written out of order, cut, or linked, and nothing
can be renamed. Needs Linux, /dev/fuse, root, the package fusepy, and libfuse 2 (Debian: libfuse2).
"""

# ruff: noqa: ARG002 (the arguments are those of fusepy)

import errno
import os
import sys
import threading
from pathlib import Path

from fuse import FUSE, FuseOSError, Operations

WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_TRUNC


class WriteOnce(Operations):
    """The calls of a file system, on the folder that holds its files."""

    def __init__(self, source):
        self.source = Path(source).resolve()
        self.mutex = threading.Lock()
        self.writing = {}  # descriptor: [path, bytes so far]

    def there(self, path):
        return self.source / path.lstrip("/")

    def hidden(self, path):
        """Where a file is written until it is closed."""
        where = self.there(path)
        return where.with_name(f".{where.name}.part")

    def getattr(self, path, fh=None):
        try:
            found = self.there(path).lstat()
        except OSError as error:
            if path not in [open_path for open_path, _ in self.writing.values()]:
                raise FuseOSError(error.errno) from None
            found = self.hidden(path).lstat()
        names = ("atime", "ctime", "gid", "mode", "mtime", "nlink", "size", "uid")
        return {f"st_{name}": getattr(found, f"st_{name}") for name in names}

    def readdir(self, path, fh):
        names = [each.name for each in self.there(path).iterdir()]
        return [".", "..", *(name for name in names if not name.endswith(".part"))]

    def mkdir(self, path, mode):
        self.there(path).mkdir(mode)

    def rmdir(self, path):
        self.there(path).rmdir()

    def unlink(self, path):
        self.there(path).unlink()

    def create(self, path, mode, fi=None):
        if self.there(path).exists():
            raise FuseOSError(errno.EEXIST)
        fd = os.open(self.hidden(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with self.mutex:
            self.writing[fd] = [path, 0]
        return fd

    def open(self, path, flags):
        if flags & WRITES:
            raise FuseOSError(errno.EOPNOTSUPP)
        return os.open(self.there(path), flags)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        entry = self.writing[fh]
        if offset != entry[1]:
            raise FuseOSError(errno.EOPNOTSUPP)
        count = os.write(fh, data)
        entry[1] += count
        return count

    def fsync(self, path, datasync, fh):
        os.fsync(fh)

    def flush(self, path, fh):
        with self.mutex:
            if fh in self.writing and self.hidden(path).exists():
                self.hidden(path).replace(self.there(path))

    def release(self, path, fh):
        self.flush(path, fh)
        with self.mutex:
            self.writing.pop(fh, None)
        os.close(fh)

    def refuse(self, *_):
        raise FuseOSError(errno.EOPNOTSUPP)

    rename = link = symlink = chmod = chown = truncate = mknod = setxattr = refuse


if __name__ == "__main__":
    FUSE(WriteOnce(sys.argv[1]), sys.argv[2], foreground=True, nothreads=False)
