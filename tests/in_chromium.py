"""Open a page in a headless Chromium, run a script on it, and return what that finds."""

import contextlib
import http.server
import json
import shutil
import subprocess
import threading

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# The page's own policy forbids what the test needs: to send its result.
_POLICY = 'http-equiv="Content-Security-Policy"'
_TYPES = {"mjs": "text/javascript", "wasm": "application/wasm", "json": "application/json"}
_SCRIPT = """
<script type="module">
const send = (found) => fetch("/found", { method: "POST", body: JSON.stringify(found) });
addEventListener("error", (event) => send({ error: event.message }));
addEventListener("unhandledrejection", (event) => send({ error: String(event.reason) }));
const pause = (time) => new Promise((done) => setTimeout(done, time));
while (!globalThis.adjoint) await pause(20);
const page = globalThis.adjoint;
const body = async () => { BODY };
try { await send(await body()); } catch (error) { await send({ error: `${error}` }); }
</script>
"""


def in_chromium(page, body, folder, *, size="1000,900", seconds=60, options=(), files=None):
    """Return what the body of an asynchronous function of JavaScript returns on a page.

    Parameters
    ----------
    page : str
        The page's HTML. What it makes public is called ``page`` in the body.
    body : str
    folder : Path
        An empty folder for the browser.
    files : mapping of str to bytes, optional
        What else the page may load, by name.
    """
    files = {f"/{name}": content for name, content in (files or {}).items()}
    text = page.replace(_POLICY, 'name="policy"') + _SCRIPT.replace("BODY", body)
    found, done = {}, threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind = _TYPES.get(self.path.rpartition(".")[2], "text/html; charset=utf-8")
            self.send_response(200)
            self.send_header("content-type", kind)
            self.end_headers()
            self.wfile.write(files.get(self.path, text.encode()))

        def do_POST(self):
            found["result"] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    flags += ["--disable-background-networking", f"--user-data-dir={folder}"]
    address = f"http://127.0.0.1:{server.server_port}/"
    command = [CHROMIUM, *flags, f"--window-size={size}", *options, address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert done.wait(seconds), "the page sent nothing"
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        server.shutdown()
        server.server_close()
    assert "error" not in (found["result"] or {}), found["result"]
    return found["result"]
