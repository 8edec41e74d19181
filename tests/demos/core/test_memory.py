"""Threads share few arenas of glibc, and what was freed goes back to the system."""

import asyncio
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demos.core.memory import FreedMemory

ROOT = Path(__file__).resolve().parents[3]
on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
# Sixteen threads allocate at the same time; malloc_info, a function of glibc, then writes a line for each arena.
COUNT_ARENAS = """
import ctypes, threading
from demos.core import environment
environment.prepare()
libc, meet = ctypes.CDLL(None), threading.Barrier(16)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def work():
    meet.wait()
    kept = [libc.malloc(ctypes.c_size_t(10_000)) for _ in range(200)]
    meet.wait()
    for each in kept:
        libc.free(each)
threads = [threading.Thread(target=work) for _ in range(16)]
for each in threads:
    each.start()
for each in threads:
    each.join()
libc.fopen.restype, libc.malloc_info.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
file = libc.fopen(b"arenas.xml", b"w")
libc.malloc_info(0, file)
libc.fclose(file)
"""
# Between two pieces that stay, each piece that is freed remains with the process.
FREE_AND_TRIM = """
import ctypes, psutil
from demos.core.memory import trim
libc, process = ctypes.CDLL(None), psutil.Process()
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
pieces = [libc.malloc(ctypes.c_size_t(50_000)) for _ in range(2_000)]
for each in pieces:
    ctypes.memset(each, 1, 50_000)
for each in pieces[::2]:
    libc.free(each)
before = process.memory_info().rss
trim()
print(before - process.memory_info().rss)
"""


def run(code: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    more = {"PYTHONPATH": str(ROOT), "GRADIO_TEMP_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**environment, **more}, check=True, stdout=subprocess.PIPE
    )
    return done.stdout.decode()


@on_glibc
def test_threads_share_few_arenas(tmp_path: Path) -> None:
    run(COUNT_ARENAS, tmp_path)
    assert 1 <= (tmp_path / "arenas.xml").read_text().count("<heap nr=") <= 2


@on_glibc
def test_what_was_freed_goes_back_to_the_system(tmp_path: Path) -> None:
    assert int(run(FREE_AND_TRIM, tmp_path)) > 30_000_000


def test_it_goes_back_once_for_several_answers_and_again_for_the_next() -> None:
    async def answers() -> list[int]:
        given, seen = asyncio.Semaphore(0), list[int]()
        loop = asyncio.get_running_loop()
        times = iter(range(1, 10))

        def give_back() -> None:
            seen.append(next(times))
            loop.call_soon_threadsafe(given.release)

        freed = FreedMemory(give_back, soon=0.01)
        for _ in range(2):
            for _ in range(3):
                freed.give_back_soon()
            await asyncio.wait_for(given.acquire(), 30)
        return seen

    with ThreadPoolExecutor(1) as pool:  # Playwright keeps a loop running in the thread of the tests
        assert pool.submit(asyncio.run, answers()).result() == [1, 2]
