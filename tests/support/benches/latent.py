"""What moving through the latent space costs over HTTP: a step of a drag, and a morph with all its files."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benches.measuring import CALLS, EXAMPLES, WARM_UP, median_ms, photos, sent, table
from clients import PATIENCE, call_event, connect
from gradio_client import Client
from running_app import running_app


def drag_rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Time a step of a drag on the VAE tab's plane over HTTP, as its script asks for it, and the 16-frame morph."""
    import httpx

    with running_app(folder) as app:
        client = connect(app.url, folder / "downloads")
        yield from morph_rows(folder, app.url, client)
        component = next(part for part in client.config["components"] if part["props"].get("elem_id") == "vae-plane")
        key = flat_on_the_plane(app.url, client.config)
        body = {"session_hash": "bench", "component_id": component["id"], "fn_name": "decode"}
        with httpx.Client() as http:

            def step(number: int) -> None:
                answer = http.post(
                    f"{app.url}/gradio_api/component_server", json={**body, "data": [key, [number / 10, 0.0]]}
                )
                if "image" not in answer.raise_for_status().json():
                    raise RuntimeError(answer.text)

            yield "drag step on the plane", f"{median_ms(step, 30):.0f}", "120"
        client.close()


def morph_rows(folder: Path, url: str, client: Client) -> Iterator[tuple[str, str, str]]:
    """Time the 16-frame morph of two new photos: on the page and for programs, each with all the files it leads to.

    `gradio_client` opens a connection for every file, which takes it longer than the app needs for all of them, so that
    the endpoint is also timed over one connection.
    """
    import httpx

    runs = WARM_UP + CALLS
    pairs = list(zip(*(photos(folder, f"fruit/{kind}-01.jpg", 3 * runs) for kind in ("apple", "orange")), strict=True))
    plain = Client(url, download_files=False, verbose=False, httpx_kwargs={"timeout": PATIENCE})
    strip = next(part["id"] for part in client.config["components"] if part["props"].get("elem_id") == "vae-save-strip")
    show = next(call for call in client.config["dependencies"] if strip in call["outputs"] and len(call["inputs"]) == 4)
    with httpx.Client(base_url=url, timeout=PATIENCE) as http:

        def on_the_page(number: int) -> None:
            opened = [("files", (Path(path).name, Path(path).read_bytes())) for path in pairs[number]]
            paths = http.post("/gradio_api/upload", files=opened).raise_for_status().json()
            files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
            said = call_event(f"{url}/", show["id"], [*files, 16, None], None, "bench")
            for address in set(re.findall(r'\\"(gradio_api/file=[^"\\]+)', said)):  # in the HTML
                http.get(address).raise_for_status()

        def endpoint(caller: Client, number: int) -> Any:
            files = sent(dict(zip(("image_a", "image_b"), pairs[number], strict=True)))
            return caller.predict(**files, steps=16, model="vae-fruit", api_name="/interpolate")

        def for_a_program(number: int) -> None:
            frames, animation = endpoint(plain, runs + number)
            for answer in (*frames, animation):
                http.get(f"/gradio_api/file={answer['path']}").raise_for_status()

        yield "16-frame morph on the page: player, strip, ends", f"{median_ms(on_the_page):.0f}", "500"
        yield "16-frame morph for a program: pictures and animation", f"{median_ms(for_a_program):.0f}", "500"
        comfortable = median_ms(lambda number: endpoint(client, 2 * runs + number))
        yield "the same, every file fetched by gradio_client", f"{comfortable:.0f}", ""
    plain.close()


def latent_table(folder: Path) -> None:
    """Print what moving through the latent space costs: `python tests/bench.py latent` prints this alone."""
    table("Latent space, over HTTP", ("what", "ms", "at most"), drag_rows(folder))


def flat_on_the_plane(url: str, config: Mapping[str, Any]) -> str:
    """Open the fold of the plane as a page does; return the key of what it moves in."""
    import uuid

    import httpx

    by_id = {part["id"]: part["props"] for part in config["components"]}
    plane = next(number for number, props in by_id.items() if props.get("elem_id") == "vae-plane")
    call = next(each for each in config["dependencies"] if plane in each["outputs"] and len(each["inputs"]) == 7)
    examples = [str(EXAMPLES / "fruit" / name) for name in ("apple-01.jpg", "orange-01.jpg", "apple-02.jpg")]
    files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in examples]
    session = uuid.uuid4().hex
    with httpx.Client(timeout=120) as http:
        body = {"fn_index": call["id"], "session_hash": session, "data": [*files, None, 6, "photos", None]}
        http.post(f"{url}/gradio_api/queue/join", json=body).raise_for_status()
        with http.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}) as events:
            for line in events.iter_lines():
                news = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if news.get("msg") == "process_completed":
                    value = news["output"]["data"][1]
                    return str(json.loads(value if isinstance(value, str) else value["value"])["key"])
    raise RuntimeError("The plane sent no answer.")
