# SPDX-License-Identifier: Apache-2.0
"""F2: the workspace holds what was sent, encrypted, and the certificate that was verified."""
import tarfile


def test_the_workspace_holds_what_was_sent(cloud, project, tmp_path):
    folder = project(cloud)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    app = cloud.mse_json("deploy", "--workspace", workspace, cwd=folder)
    cloud.mse("stop", app["id"], "-y")
    tar_path = next(workspace.rglob("app.tar"))
    with tarfile.open(tar_path) as tar:
        sent = {member.name: tar.extractfile(member).read() for member in tar}
    kept = tar_path.parent / "encrypted_code"
    assert {str(p.relative_to(kept)): p.read_bytes() for p in kept.rglob("*") if p.is_file()} == sent
    assert "app.py.enc" in sent and b"Hello world" not in sent["app.py.enc"]
    assert (tar_path.parent / "ratls.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert not (tar_path.parent / "fullchain.pem").exists()  # only an owner's own certificate has a chain
