"""Ranks as threads of one process, connected by queues: what a job computes, without MPI."""

import queue
import threading

from adjoint.parallel.communicator import Communicator


class Thread(Communicator):
    """A rank that is a thread."""

    def __init__(self, rank, size, queues, failed):
        self.rank, self.size, self._queues, self._failed = rank, size, queues, failed

    def send(self, message, to):
        self._queues[self.rank, to].put(message.buffer.copy())

    def receive(self, message, source):
        while True:
            try:
                message.buffer[:] = self._queues[source, self.rank].get(timeout=0.05)
                return
            except queue.Empty:
                if self._failed.is_set():
                    raise

    def exchange(self, message, received, partner):
        self.send(message, partner)
        self.receive(received, partner)

    def abort(self, reason):
        raise SystemExit(reason)


def on_ranks(size, function):
    """Return what ``function(communicator)`` gives on each of some ranks."""
    queues = {(a, b): queue.Queue() for a in range(size) for b in range(size)}
    found, errors, failed = [None] * size, [], threading.Event()

    def run(rank):
        try:
            found[rank] = function(Thread(rank, size, queues, failed))
        except BaseException as error:
            errors.append((rank, error))
            failed.set()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, error in sorted(errors, key=lambda pair: isinstance(pair[1], queue.Empty)):
        raise error
    return found
