"""A lock whose holder is not there after a fork."""

from __future__ import annotations

import copy
import os
import pickle
from threading import Event, Thread

import pytest

from spacy_genner.locks import Lock


def test_one_thread_at_a_time_holds_it() -> None:
    lock, inside, most = Lock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with lock, lock:  # again, by the same thread
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_copy_is_another_lock() -> None:
    lock = Lock()
    with lock:
        for other in (copy.deepcopy(lock), pickle.loads(pickle.dumps(lock))):
            assert other is not lock and not other.interrupted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("held_by", ["nobody", "another thread", "this thread"])
def test_after_a_fork_it_is_free(held_by: str) -> None:
    lock, held, done = Lock(), Event(), Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    thread = Thread(target=hold, daemon=True)
    if held_by == "another thread":
        thread.start()
        held.wait()
    if held_by == "this thread":
        lock.__enter__()
    child = os.fork()
    if not child:
        with lock:
            os._exit(0 if lock.interrupted == (held_by == "another thread") else 1)
    done.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not lock.interrupted
