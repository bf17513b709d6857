"""Kills a server while it stores, replaces, moves and removes files, and looks for everything it had promised.

Usage: crash_files.py --folder DIR [--rounds N] [--store disk|s3] -- QUOIN serve   (settings as QUOIN_… in the environment)
"""
import argparse, hashlib, http.client, json, os, random, signal, subprocess, sys, threading, time

WORKERS, NAMES = 8, 12


class Api:
    def __init__(self):
        self.host = os.environ["QUOIN_LISTEN"]
        self.key = os.environ["QUOIN_SECRET_KEY"]

    def call(self, method, path, body=b"", headers=None, connection=None):
        given = {"authorization": "Bearer " + self.key, **(headers or {})}
        if isinstance(body, dict):
            body, given["content-type"] = json.dumps(body).encode(), "application/json"
        link = connection or http.client.HTTPConnection(self.host, timeout=60)
        link.request(method, path, body, given)
        answer = link.getresponse()
        return answer.status, answer.read()


class Server:
    def __init__(self, words, log):
        self.words, self.log = words, log

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=self.log, stderr=self.log)
        began = time.monotonic()
        while time.monotonic() - began < 30:
            try:
                if Api().call("GET", "/readyz")[0] == 200:
                    return time.monotonic() - began
            except OSError:
                time.sleep(0.02)
        raise SystemExit("the server does not get ready")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Worker(threading.Thread):
    """Owns some names. For each it knows what may be there: a set of contents, None for nothing."""

    def __init__(self, number, seed):
        super().__init__(daemon=True)
        self.number, self.random = number, random.Random(seed)
        self.may = {f"w{number}/{n}": {None} for n in range(NAMES)}
        self.acknowledged, self.in_flight, self.wrong = 0, False, []

    def run(self):
        api, link = Api(), http.client.HTTPConnection(os.environ["QUOIN_LISTEN"], timeout=60)
        try:
            while True:
                self.step(api, link)
        except (OSError, http.client.HTTPException):
            return

    def step(self, api, link):
        name = self.random.choice(list(self.may))
        kind = self.random.choice(["store", "store", "store", "move", "delete"])
        path = f"/storage/v1/object/crash/{name}"
        if kind == "store":
            size = self.random.choice([0, 100, 8_000, 300_000, 300_000, 6_000_000])
            body = self.random.randbytes(16) * (size // 16)
            digest = hashlib.sha256(body).hexdigest()
            before = self.may[name]
            self.may[name] = before | {digest}
            if self.ask(api, link, "PUT", path, body, {"content-type": "application/octet-stream"}) == 200:
                self.may[name] = {digest}
        elif kind == "delete":
            self.may[name] = self.may[name] | {None}
            if self.ask(api, link, "DELETE", path) in (200, 404):
                self.may[name] = {None}
        else:
            target = self.random.choice([n for n in self.may if n != name])
            source, there = self.may[name], self.may[target]
            self.may[name], self.may[target] = source | {None}, there | source
            body = {"bucketId": "crash", "sourceKey": name, "destinationKey": target}
            status = self.ask(api, link, "POST", "/storage/v1/object/move", body)
            if status == 200:
                self.may[name], self.may[target] = {None}, source - {None}
            else:
                self.may[name], self.may[target] = source, there

    def ask(self, api, link, method, path, body=b"", headers=None):
        self.in_flight = True
        status, said = api.call(method, path, body, headers, link)
        self.in_flight = False
        if status in (200, 404, 409):
            self.acknowledged += status == 200
        elif status != 503:
            self.wrong.append(f"{method} {path}: {status} {said[:200]}")
        return status

    def complaints(self, api):
        found, self.wrong = self.wrong, []
        for name, may in self.may.items():
            status, body = api.call("GET", f"/storage/v1/object/crash/{name}")
            there = hashlib.sha256(body).hexdigest() if status == 200 else None
            if status not in (200, 404):
                found.append(f"{name}: {status} {body[:200]}")
            elif there not in may:
                found.append(f"{name}: {'lost' if there is None else 'other bytes'}")
            self.may[name] = {there}
        return found


def complaints(api, workers):
    found = [line for worker in workers for line in worker.complaints(api)]
    for _ in range(2):
        status, said = api.call("POST", "/admin/v1/files/sweep", {"idle_s": 0})
        if status != 200:
            found.append(f"sweep: {status} {said[:200]}")
    status, said = api.call("POST", "/admin/v1/files/verify", {})
    page = json.loads(said)
    found += [f"verify: {fault}" for fault in page.get("faults", [said])]
    status, said = api.call("POST", "/admin/v1/files/unknown", {})
    keys = json.loads(said)
    found += [f"unknown: {key}" for key in keys.get("unknown", [said])]
    status, said = api.call("GET", "/storage/v1/usage")
    usage = json.loads(said)
    if usage["objects"] != page["total_objects"] or usage["bytes"] != page["total_bytes"]:
        found.append(f"counted {usage['objects']} objects, {usage['bytes']} bytes; there are {page['total_objects']}, {page['total_bytes']}")
    if os.environ.get("QUOIN_FILES_STORE", "disk") == "disk" and keys.get("seen") != page["total_objects"]:
        found.append(f"{keys.get('seen')} keys for {page['total_objects']} objects")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()
    log = open(os.path.join(options.folder, "log"), "ab")
    server, api, passed, failed, struck = Server(options.words, log), Api(), 0, 0, 0
    server.start()
    api.call("POST", "/storage/v1/bucket", {"name": "crash"})
    may = None
    for round in range(1, options.rounds + 1):
        workers = [Worker(number, random.random()) for number in range(WORKERS)]
        if may:
            for worker, names in zip(workers, may):
                worker.may = names
        for worker in workers:
            worker.start()
        time.sleep(0.2 + random.random())
        in_flight = sum(worker.in_flight for worker in workers)
        server.kill()
        for worker in workers:
            worker.join()
        took = server.start()
        found = complaints(api, workers)
        may = [worker.may for worker in workers]
        struck += in_flight > 0
        passed, failed = (passed, failed + 1) if found else (passed + 1, failed)
        acknowledged = sum(worker.acknowledged for worker in workers)
        print(f"  {'✗' if found else '✓'} kill {round}: {in_flight} in flight, {acknowledged} acknowledged, ready in {took * 1000:.0f} ms", flush=True)
        for line in found[:10]:
            print("     ", line)
    server.process.terminate()
    server.process.wait()
    if struck * 3 < options.rounds:
        print(f"  ✗ only {struck} of {options.rounds} kills hit requests in flight")
        failed += 1
    print(f"crash-files: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
