"""Section 13, item 86: archives that need ZIP64, and a removal while one is downloaded. All of it with kind `argo`."""

import contextlib
import hashlib
import io
import os
import shutil
import zipfile

import pytest
import requests

from harness.api import error_of, plain
from harness.images import jpeg
from harness.packing import Workspace
from harness.s3 import Place
from harness.waiting import eventually

pytestmark = pytest.mark.only("gateway")

#: What says that an archive's directory is in the long format.
ZIP64_END = b"PK\x06\x06"


class Finished:
    """A task that a cluster has completed, behind a gateway that reaches the object store by a cable."""

    def __init__(self, world):
        self.store = world.s3()
        self.cable = world.cable(self.store.port)
        cluster = world.argo(s3=self.store)
        settings = self.store.settings()
        self.gateway = world.gateway([cluster], {"storage": {"s3": {**settings, "endpoint": self.cable.url}}})
        self.api = self.gateway.api
        self.uuid = self.api.submit([("IMG_0001.JPG", jpeg(1))])
        self.api.wait(self.uuid, 40)

    @property
    def place(self):
        return Place.parse(f"s3://data/scaleodm/{self.uuid}/attempt-1/")

    def replace_archive(self, path):
        """Lays a file in the place of the task's all.zip, as rclone's server keeps objects; it remembers their sizes while it runs."""
        self.store.stop()
        shutil.move(path, self.store.folder / self.place.bucket / self.place.prefix / "all.zip")
        self.store.start()


class Remote(io.RawIOBase):
    """The task's all.zip, read by ranges as a client does that wants a few of its files."""

    def __init__(self, finished):
        self._finished = finished
        self._at = 0
        head = finished.api.call("HEAD", f"/task/{finished.uuid}/download/all.zip")
        self.length = int(head.headers["Content-Length"])

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.length}[whence]
        return self._at

    def tell(self):
        return self._at

    def readinto(self, buffer):
        last = min(self._at + len(buffer), self.length) - 1
        if last < self._at:
            return 0
        answer = self._finished.api.download(self._finished.uuid, headers={"Range": f"bytes={self._at}-{last}"})
        assert answer.status_code == 206 and len(answer.content) == last + 1 - self._at
        assert answer.headers["Content-Range"] == f"bytes {self._at}-{last}/{self.length}"
        buffer[:len(answer.content)] = answer.content
        self._at = last + 1
        return len(answer.content)


@pytest.mark.timeout(400)
def test_item_86_more_files_than_65535(world, tmp_path):
    workspace = Workspace(tmp_path)
    tiles = workspace.project / "orthophoto_tiles"
    for number in range(65_600):
        if number % 1000 == 0:
            (tiles / str(number)).mkdir(parents=True)
        (tiles / str(number // 1000 * 1000) / f"{number}.png").write_bytes(b"%d" % number)
    finished = Finished(world)
    finished.replace_archive(workspace.pack())
    answer = finished.api.download(finished.uuid)
    assert answer.status_code == 200 and int(answer.headers["Content-Length"]) == len(answer.content)
    assert ZIP64_END in answer.content[-200:]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert len(archive.namelist()) == len(set(archive.namelist())) == 65_600
    assert archive.read("orthophoto_tiles/65000/65599.png") == b"65599"


@pytest.mark.heavy
@pytest.mark.timeout(1200)
def test_item_86_an_archive_beyond_4_gigabytes(world, tmp_path):
    """Of a file with holes: on the disk it is small."""
    workspace = Workspace(tmp_path)
    size = (4 << 30) + 12_345
    for name, length in (("odm_georeferencing/odm_georeferenced_model.laz", size), ("odm_dem/dsm.tif", 5000)):
        path = workspace.project / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"first")
        os.truncate(path, length)
    (workspace.project / "log.json").write_bytes(b"{}")
    finished = Finished(world)
    finished.replace_archive(workspace.pack())
    remote = Remote(finished)
    assert remote.length > 4 << 30
    archive = zipfile.ZipFile(io.BufferedReader(remote, 1 << 16))
    entries = {entry.filename: entry for entry in archive.infolist()}
    assert entries["odm_georeferencing/odm_georeferenced_model.laz"].file_size == size
    assert max(entry.header_offset for entry in entries.values()) > 4 << 30
    assert archive.read("log.json") == b"{}" and archive.read("odm_dem/dsm.tif") == b"first" + bytes(4995)
    with finished.api.download(finished.uuid, stream=True) as answer:
        assert answer.status_code == 200 and int(answer.headers["Content-Length"]) == remote.length
        digest, length, tail = hashlib.sha256(), 0, b""
        for block in answer.iter_content(4 << 20):
            digest.update(block)
            length += len(block)
            tail = (tail + block)[-200:]
    assert length == remote.length and ZIP64_END in tail
    with (finished.store.folder / "data" / finished.place.prefix / "all.zip").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").digest() == digest.digest()


@pytest.mark.parametrize("breaks", [False, True])
def test_item_86_removal_while_it_is_downloaded(world, tmp_path, breaks):
    """The client gets all of it or notices that it doesn't: never an end that looks like one, and never a hang."""
    finished = Finished(world)
    body = b"PK" + os.urandom(48 << 20)
    (tmp_path / "all.zip").write_bytes(body)
    finished.replace_archive(tmp_path / "all.zip")
    got = bytearray()
    with finished.api.download(finished.uuid, stream=True) as answer:
        assert answer.status_code == 200 and int(answer.headers["Content-Length"]) == len(body)
        blocks = answer.iter_content(1000)
        got += next(blocks)
        assert finished.api.act("remove", finished.uuid) == {"success": True}
        eventually("its results are gone", lambda: not list(finished.store.storage.list(finished.place)), 60)
        if breaks:
            # It can't be opened again where it broke.
            finished.cable.reset()
        with pytest.raises(requests.RequestException) if breaks else contextlib.nullcontext():
            for block in blocks:
                got += block
    assert body.startswith(got) and (len(got) < len(body)) == breaks
    assert "not found" in error_of(plain(finished.api.download(finished.uuid)))
    other = finished.api.submit([("IMG_0002.JPG", jpeg(2))])
    assert finished.api.wait(other, 40)["status"]["code"] == 40, "the gateway goes on"
