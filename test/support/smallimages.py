# SPDX-License-Identifier: Apache-2.0
"""Images of one small file each, for what msed does with images and not with what is in them."""
import hashlib
import json
import os

import testcloud

NAME = "mse-small:1"


def write(folder, content):
    """A folder as --images-from takes it, with that one image."""
    folder = folder / "images"
    root = folder / NAME / "root"
    root.mkdir(parents=True)
    (root / "file").write_text(content)
    bill = {"version": 1, "image": NAME, "loader": {"sha256": "00" * 32},
            "files": [{"path": "file", "sha256": hashlib.sha256(content.encode()).hexdigest(), "size": len(content)}]}
    (folder / NAME / "bill.json").write_text(json.dumps(bill, separators=(",", ":")))
    return folder


def data_dir(build, tmp_path, content):
    """A data directory whose only image holds content."""
    images = write(tmp_path / "init", content)
    testcloud.run([build / "msed", "init", "--data-dir", tmp_path / "data", "--engine", "fake", "--images-from", images,
                   "--password-stdin"], stdin="a password\n")
    return tmp_path / "data"


def refresh(build, data, images, **env):
    return testcloud.run([build / "msed", "image", "refresh", "--data-dir", data, "--images-from", images],
                         env=os.environ | env, check=False)


def current(data):
    return (data / "images" / NAME / "root/file").read_text()


def hidden(data):
    return [p.name for p in (data / "images").iterdir() if p.name.startswith(".")]
