"""Fills the disk on which a server keeps files, really: a small file system of its own. Errors must be clear, nothing may be left, and
everything else goes on.

Usage: disk_full.py --folder DIR -- WORDS THAT START THE SERVER   (settings as QUOIN_… in the environment)
"""
import argparse, base64, http.client, json, os, subprocess, sys, threading, time

MB = 1_000_000


class Api:
    def __init__(self):
        self.host, self.key = os.environ["QUOIN_LISTEN"], os.environ["QUOIN_SECRET_KEY"]

    def call(self, method, path, body=b"", headers=None):
        given = {"authorization": "Bearer " + self.key, **(headers or {})}
        if isinstance(body, dict):
            body, given["content-type"] = json.dumps(body).encode(), "application/json"
        link = http.client.HTTPConnection(self.host, timeout=60)
        try:
            link.request(method, path, body, given)
        except BrokenPipeError:
            # The answer has come before all was sent, and the server has closed the connection.
            pass
        answer = link.getresponse()
        found = answer.status, answer.read(), dict(answer.getheaders())
        link.close()
        return found

    def put(self, name, content):
        return self.call("PUT", f"/storage/v1/object/full/{name}", content, {"content-type": "text/plain"})

    def get(self, name):
        return self.call("GET", f"/storage/v1/object/full/{name}")[:2]


class Steps:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, what, fine, seen=""):
        self.passed, self.failed = self.passed + bool(fine), self.failed + (not fine)
        print(f"  {'✓' if fine else '✗'} {what}{'' if fine else f': {seen}'}", flush=True)


def usage(api):
    return json.loads(api.call("GET", "/storage/v1/usage")[1])


def sweep(api):
    for _ in range(2):
        api.call("POST", "/admin/v1/files/sweep", {"idle_s": 0})


def is_whole(api):
    """Compares rows with bytes, and looks for bytes without a row."""
    page = json.loads(api.call("POST", "/admin/v1/files/verify", {})[1])
    unknown = json.loads(api.call("POST", "/admin/v1/files/unknown", {})[1])
    return page["faults"] == [] and unknown["unknown"] == [] and unknown["seen"] == page["total_objects"], (page, unknown)


def fill(api, steps):
    kept = []
    while len(kept) < 60:
        content = bytes([len(kept)]) * MB
        status, said, _ = api.put(f"n{len(kept)}", content)
        if status != 200:
            break
        kept.append(content)
    steps.check(f"after {len(kept)} MB the answer is 507 storage_full", status == 507 and json.loads(said)["code"] == "storage_full", (status, said))
    return kept


def crowd(api, steps, kept):
    before, answers = usage(api), []
    threads = [threading.Thread(target=lambda at=at: answers.append(api.put(f"big{at}", b"x" * 8 * MB)[:2])) for at in range(8)]
    for thread in threads:
        thread.start()
    status, said = api.get("n0")
    steps.check("what is there is read meanwhile", (status, said) == (200, kept[0]), status)
    routes = [api.call(method, path, body)[0] for method, path, body in [
        ("GET", "/readyz", b""), ("GET", "/auth/v1/settings", b""), ("GET", "/auth/v1/admin/users", b""),
        ("POST", "/storage/v1/object/list/full", {"prefix": ""}), ("GET", "/storage/v1/object/info/full/n0", b""),
    ]]
    steps.check("and other routes answer", routes == [200] * 5, routes)
    for thread in threads:
        thread.join()
    steps.check("eight uploads of 8 MB at once are refused as well", [status for status, _ in answers] == [507] * 8, answers)
    steps.check("nothing of them is counted", usage(api) == before, usage(api))
    status, said, _ = api.put("n0", b"y" * 8 * MB)
    steps.check("what cannot be replaced stays", status == 507 and api.get("n0") == (200, kept[0]), (status, said))
    sweep(api)
    steps.check("rows and bytes agree", *is_whole(api))


def resume(api, steps, kept):
    text = lambda text: base64.b64encode(text.encode()).decode()
    version = {"tus-resumable": "1.0.0"}
    announced = {**version, "upload-length": str(3 * MB), "upload-metadata": f"bucketName {text('full')},objectName {text('resumed')}"}
    status, said, headers = api.call("POST", "/storage/v1/upload/resumable", b"", announced)
    path = next(value for name, value in headers.items() if name.lower() == "location").split("/storage/v1", 1)[1]
    piece = {**version, "content-type": "application/offset+octet-stream", "upload-offset": "0"}
    status, said, _ = api.call("PATCH", "/storage/v1" + path, b"r" * 3 * MB, piece)
    steps.check("a resumable upload is told to wait", status == 507, (status, said))
    for at in range(8):
        api.call("DELETE", f"/storage/v1/object/full/n{at}")
    sweep(api)
    status, said, _ = api.call("PATCH", "/storage/v1" + path, b"r" * 3 * MB, piece)
    steps.check("and goes on when there is space", status == 204 and api.get("resumed") == (200, b"r" * 3 * MB), (status, said))
    status, said, _ = api.put("n0", kept[0])
    steps.check("as everything does", status == 200 and api.get("n0") == (200, kept[0]), (status, said))


def empty(api, steps, kept):
    api.call("POST", "/storage/v1/bucket/full/empty", {})
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        sweep(api)
        status, said, _ = api.put("all", b"a" * (len(kept) - 1) * MB)
        if status == 200:
            break
        time.sleep(0.2)
    steps.check("emptied, the disk takes as much as at first: nothing was left", status == 200, (status, said))
    steps.check("and rows and bytes agree", *is_whole(api))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()
    os.makedirs(os.environ["QUOIN_FILES_DIRECTORY"], exist_ok=True)
    log = open(os.path.join(options.folder, "log"), "ab")
    server, api, steps = subprocess.Popen(options.words, stdout=log, stderr=log), Api(), Steps()
    deadline = time.monotonic() + 30
    while True:
        try:
            if api.call("GET", "/readyz")[0] == 200:
                break
        except OSError:
            time.sleep(0.05)
        if time.monotonic() > deadline or server.poll() is not None:
            raise SystemExit("the server does not get ready")
    api.call("POST", "/storage/v1/bucket", {"id": "full", "name": "full"})
    kept = fill(api, steps)
    crowd(api, steps, kept)
    resume(api, steps, kept)
    empty(api, steps, kept)
    server.terminate()
    server.wait()
    print(f"disk-full: {steps.passed} passed, {steps.failed} failed")
    sys.exit(steps.failed > 0)


main()
