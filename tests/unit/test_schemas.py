"""The generated code is what the .proto files generate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_generated_code_matches_the_schemas(tmp_path: Path) -> None:
    protos = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "schemas").glob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([*command, *protos], cwd=ROOT, check=True)
    generated = sorted(p.name for p in (tmp_path / "schemas").iterdir())
    committed = sorted(p.name for p in (ROOT / "schemas").glob("*_pb2.py*"))
    assert generated == committed
    for name in generated:
        assert (tmp_path / "schemas" / name).read_text() == (ROOT / "schemas" / name).read_text(), (
            f"schemas/{name} is not what its .proto generates: run make schemas"
        )
