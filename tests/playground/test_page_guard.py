"""Only pages from this server's own address may ask, and sessions need the key."""

import pytest

from adjoint.playground.guard import Guard


@pytest.fixture
def guard():
    return Guard(8642)


def scope(kind="http", host="127.0.0.1:8642", origin=None, query="", hosts=None):
    names = [host] if hosts is None else hosts
    headers = [(b"host", name.encode()) for name in names]
    headers += [(b"Origin", each.encode()) for each in ([] if origin is None else [origin])]
    return {"type": kind, "headers": headers, "query_string": query.encode()}


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:8642"])
def test_its_own_page_may_ask(guard, host):
    assert guard.allows(scope(host=host))
    assert guard.allows(scope(host=host, origin=f"http://{host}"))
    assert guard.allows(scope("websocket", host=host, origin=f"http://{host}"))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8642",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:8642",
        "",
        "localhost:8642.evil",
        "[::1]:8642",
        "0.0.0.0:8642",
    ],
)
def test_under_another_name_nothing_is_answered(guard, host):
    assert not guard.allows(scope(host=host))
    assert not guard.allows(scope("websocket", host=host, origin=f"http://{host}"))


def test_without_a_host_or_with_two_nothing_is_answered(guard):
    assert not guard.allows(scope(hosts=[]))
    assert not guard.allows(scope(hosts=["127.0.0.1:8642", "127.0.0.1:8642"]))


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:8642",
        "http://127.0.0.1:8643",
        "file://",
        "http://localhost:8642",
        "http://127.0.0.1:8642.evil.example",
    ],
)
def test_another_sites_page_may_not_ask(guard, origin):
    assert not guard.allows(scope(origin=origin))
    assert not guard.allows(scope("websocket", origin=origin))


def test_a_socket_needs_an_origin(guard):
    assert not guard.allows(scope("websocket"))


def test_the_key_is_needed_whole_and_once(guard):
    assert guard.knows(scope(query=f"key={guard.key}"))
    for query in ("", "key=", f"key={guard.key[:-1]}", f"key={guard.key}x", f"KEY={guard.key}"):
        assert not guard.knows(scope(query=query))
    assert not guard.knows(scope(query=f"key={guard.key}&key={guard.key}"))
    assert not guard.knows(scope(query=f"key=%ff%fe{guard.key}"))
    assert not guard.knows(scope(query=f"key={guard.key}&x={'y' * 3000}"))


def test_two_servers_have_two_keys(guard):
    assert guard.key != Guard(8642).key
    assert len(guard.key) >= 32


def test_the_policy_lets_nothing_in_from_elsewhere(guard):
    policy = dict(guard.headers)[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy.replace("http://127.0.0.1", "")
    assert "*" not in policy
