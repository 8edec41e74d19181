"""The app beside what every Space installs as well: the packages resolve, and with MCP the endpoints are tools."""

import json
import os
import site
import subprocess
import sys
import venv
from pathlib import Path
from urllib.request import urlopen

import pytest
from clients import connect
from running_app import ROOT, running_app

pytestmark = pytest.mark.network
ASK = """
import asyncio, base64, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def main(url):
    async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        tools = sorted(tool.name for tool in (await session.list_tools()).tools)
        answer = await session.call_tool("sample", {"model": "vae-fruit", "seed": 1})
        print(json.dumps({"tools": tools, "failed": answer.isError, "parts": [part.type for part in answer.content]}))

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment that adds what Spaces install to the packages of this one."""
    folder = tmp_path_factory.mktemp("space") / "venv"
    venv.create(folder, with_pip=True)
    interpreter = str(folder / "bin" / "python")
    (own,) = folder.glob("lib/*/site-packages")
    (own / "zz-these.pth").write_text("\n".join(site.getsitepackages()))
    version = next(line.split()[1] for line in (ROOT / "README.md").open() if line.startswith("sdk_version:"))
    wanted = [f"gradio[oauth,mcp]=={version}", "uvicorn", "websockets"]
    made = subprocess.run([interpreter, "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"the packages of a Space cannot be fetched: {made.stderr.strip().splitlines()[-1]}")
    return interpreter


def test_all_that_a_space_installs_fits_together() -> None:
    made = subprocess.run(["make", "resolve", "-o", ".venv/.requirements", f"BIN={Path(sys.executable).parent}"],
                          cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]


def test_with_mcp_the_endpoints_are_tools(python: str, tmp_path: Path) -> None:
    with running_app(tmp_path, python=python, PYTHONPATH="") as app:
        with urlopen(f"{app.url}/health") as answer:
            assert json.load(answer)["status"] == "ok"
        client = connect(app.url, tmp_path / "downloads")
        endpoints = sorted(name.strip("/") for name in client.view_api(return_format="dict")["named_endpoints"])
        client.close()
        command = [python, "-c", ASK, f"{app.url}/gradio_api/mcp/"]
        asked = subprocess.run(command, capture_output=True, text=True, timeout=180, env={**os.environ})
    assert asked.returncode == 0, asked.stderr[-3000:]
    told = json.loads(asked.stdout.splitlines()[-1])
    assert told["tools"] == endpoints
    assert not told["failed"] and told["parts"]
