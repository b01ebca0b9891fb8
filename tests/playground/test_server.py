"""The server answers its own page, and turns strangers away, whatever they send."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import adjoint as ad
from adjoint.playground import launch, requests
from adjoint.playground.frame import unpack
from adjoint.playground.guard import Guard
from adjoint.playground.server import Server
from adjoint.playground.session import Brought
from adjoint.playground.settings import read

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")
client = pytest.importorskip("websockets.sync.client")


@pytest.fixture(scope="module")
def served():
    """Return the guard of a server that runs."""
    with launch.bound(0) as listening:
        guard = Guard(listening.getsockname()[1])
        server = Server(guard, Brought(read({"rows": 40})))
        running = uvicorn.Server(launch.configuration(uvicorn, server))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        yield guard
        running.should_exit = True
        thread.join(10)
        server.close()


def get(guard, path="/", host=None, origin=None, method="GET"):
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(guard.hosts[0].split(":")[1]), timeout=10
    )
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or guard.hosts[0])
        if origin:
            connection.putheader("Origin", origin)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def talk(guard, key=None, origin=None, session="", host=None):
    query = f"key={guard.key if key is None else key}&session={session}"
    url = f"ws://{host or guard.hosts[0]}/session?{query}"
    return client.connect(url, origin=origin or f"http://{guard.hosts[0]}", max_size=2**24)


def ask(connection, do, **given):
    connection.send(json.dumps({"id": 3, "do": do, **given}))
    return unpack(connection.recv(timeout=20)[8:])


def test_the_page_comes_with_its_policy_and_no_script_inside(served):
    status, headers, content = get(served)
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert b"<script type=" in content
    assert b"http" not in content
    assert b" on" not in content.replace(b" on ", b"")  # no listener in an attribute
    assert b"style=" not in content


def test_the_modules_of_the_page_are_served(served):
    for name, kind in (("main.js", "text/javascript"), ("style.css", "text/css")):
        status, headers, content = get(served, f"/page/{name}")
        assert (status, headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert content


@pytest.mark.parametrize(
    "path",
    [
        "/page/../guard.py",
        "/page/..%2fguard.py",
        "/page/%2e%2e/guard.py",
        "/page/guard.py",
        "/page/",
        "/etc/passwd",
        "//etc/passwd",
        "/page//etc/passwd",
        "/session",
        "/page/main.js/x",
        "/page/\\x",
    ],
)
def test_nothing_else_is_served(served, path):
    assert get(served, path)[0] in (400, 404)


def test_nothing_can_be_written(served):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert get(served, method=method)[0] in (400, 405)


def test_under_another_name_or_from_another_page_nothing_is_served(served):
    assert get(served, host="evil.example")[0] == 403
    assert get(served, origin="http://evil.example")[0] == 403
    assert get(served, "/page/main.js", host="evil.example:80")[0] == 403


def test_a_session_is_opened_with_the_key_and_trains(served):
    with talk(served) as connection:
        assert len(connection.recv(timeout=10)) >= 16
        assert ask(connection, "menu")[0]["what"] == "menu"
        assert ask(connection, "open")[0]["step"] == 0
        answers = (ask(connection, "take", until=2, milliseconds=100)[0] for _ in range(100))
        assert any(answer["step"] >= 1 for answer in answers)  # its native code is made meanwhile


def test_a_reload_finds_the_session_again(served):
    with talk(served) as connection:
        name = connection.recv(timeout=10)
        ask(connection, "begin", settings={"rows": 50, "seed": 9})
    with talk(served, session=name) as connection:
        assert connection.recv(timeout=10) == name
        assert ask(connection, "open")[0]["settings"]["seed"] == 9


@pytest.mark.parametrize("key", ["", "wrong", "%00"])
def test_without_the_key_no_session_is_opened(served, key):
    with talk(served, key=key) as connection, pytest.raises(Exception, match="key is missing"):
        connection.recv(timeout=10)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_sites_page_opens_no_session(served, origin):
    with pytest.raises(Exception, match="403"):
        talk(served, origin=origin)


def test_bytes_and_messages_too_long_end_one_connection_and_no_other(served):
    with talk(served) as connection, talk(served) as other:
        connection.recv(timeout=10)
        other.recv(timeout=10)
        connection.send("x" * (requests.MOST_MESSAGE + 1))
        with pytest.raises(Exception, match=r"1009|too big|close"):
            connection.recv(timeout=10)
        assert ask(other, "menu")[0]["what"] == "menu"
    with talk(served) as connection:
        connection.recv(timeout=10)
        connection.send(b"\0\1")
        with pytest.raises(Exception, match="close"):
            connection.recv(timeout=10)
    assert get(served)[0] == 200


def test_garbage_on_the_wire_ends_nothing(served):
    port = int(served.hosts[0].split(":")[1])
    for garbage in (b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"a" * 100_000):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(garbage)
            raw.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                raw.recv(1000)
    assert get(served)[0] == 200


def test_it_listens_on_this_machine_alone():
    with launch.bound(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_said_or_another_is_found(monkeypatch):
    with launch.bound(0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} cannot be had"):
            launch.bound(port)
        monkeypatch.setattr(launch, "PORT", port)
        with launch.bound(None) as other:
            assert other.getsockname()[1] != port


def test_the_command_prints_an_address_and_ends_quietly():
    command = [sys.executable, "-m", "adjoint", "play", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert line.startswith("playground: http://127.0.0.1:")
    assert process.stdout.readline() == "Ctrl-C ends it\n"
    address = line.split()[1]
    connection = http.client.HTTPConnection(address.split("/")[2], timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_play_gives_the_trained_copy_back():
    X, y = ad.datasets.make_moons(30)
    model = ad.nn.MLP(2, 3, 2, rng=0)
    said = []

    def visit(text):
        said.append(text)
        if not text.startswith("playground"):
            return
        threading.Thread(target=train, args=(text.split()[1],)).start()

    def train(address):
        host, key = address.split("/")[2], address.split("key=")[1]
        with client.connect(
            f"ws://{host}/session?key={key}", origin=f"http://{host}"
        ) as connection:
            connection.recv(timeout=10)
            ask(connection, "take", until=5, milliseconds=100)
            ask(connection, "take", until=5, milliseconds=100)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    brought = launch.bring_model(model, X, y, "cross_entropy", "adam", 8, 0, None)
    result = launch.launch(brought, browser=False, say=visit)
    assert not result.model.training
    assert result.model is not model
    changed = (
        result.model.state_dict()["layers[0].weight"] != model.state_dict()["layers[0].weight"]
    )
    assert changed.any()
