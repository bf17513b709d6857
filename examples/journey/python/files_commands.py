"""Moves a running server's files from disk to S3 and back with `quoin files`, killing the command on the way, while people
read and write; then AWS's own library reads what Quoin keeps there, and breaks something for `quoin files verify` to find.

Usage: files_commands.py --url URL --secret-key KEY --quoin PROGRAM   (the server's settings as QUOIN_… in the environment)
"""
import argparse, hashlib, http.client, json, os, random, signal, subprocess, threading, time
from urllib.parse import unquote, urlsplit

import boto3

NAMES = [f"Grüße/{number:03}.txt" for number in range(230)]


class Api:
    def __init__(self, url, key):
        self.host, self.key = urlsplit(url).netloc, key
        self.link = http.client.HTTPConnection(self.host, timeout=60)

    def call(self, method, path, body=b"", headers=None):
        given = {"authorization": "Bearer " + self.key, **(headers or {})}
        if isinstance(body, dict):
            body, given["content-type"] = json.dumps(body).encode(), "application/json"
        try:
            return self.ask(method, path, body, given)
        except http.client.RemoteDisconnected:
            # The server has closed a connection on which nothing was asked for a while.
            self.link.close()
            return self.ask(method, path, body, given)

    def ask(self, method, path, body, headers):
        self.link.request(method, path, body, headers)
        answer = self.link.getresponse()
        return answer.status, answer.read()


def at(name):
    return "/storage/v1/object/papers/" + name.replace("ü", "%C3%BC").replace("ß", "%C3%9F")


class Reader(threading.Thread):
    """Reads, and sometimes replaces, its own share of the objects until it is told to stop."""

    def __init__(self, options, names, contents):
        super().__init__(daemon=True)
        self.api, self.names, self.contents = Api(options.url, options.secret_key), names, contents
        self.stop, self.reads, self.writes, self.wrong = False, 0, 0, []
        self.random = random.Random(names[0])

    def run(self):
        while not self.stop:
            name = self.random.choice(self.names)
            if self.random.random() < 0.1:
                content = self.random.randbytes(20_000)
                status, said = self.api.call("PUT", at(name), content, {"content-type": "text/plain"})
                if status == 200:
                    self.contents[name] = content
                self.writes += 1
            else:
                status, said = self.api.call("GET", at(name))
                self.reads += 1
                if status == 200 and said != self.contents[name]:
                    self.wrong.append(f"{name}: other bytes")
            if status != 200:
                self.wrong.append(f"{name}: {status} {said[:200]}")


class Steps:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, what, fine, seen=""):
        self.passed, self.failed = self.passed + bool(fine), self.failed + (not fine)
        print(f"  {'✓' if fine else '✗'} {what}{'' if fine else f': {seen}'}", flush=True)


def quoin(options, *words):
    done = subprocess.run([options.quoin, "files", *words, "--json"], capture_output=True, text=True, timeout=600)
    try:
        return done.returncode, json.loads(done.stdout), done.stderr
    except json.JSONDecodeError:
        return done.returncode, {}, done.stdout + done.stderr


def interrupted(options, to):
    """Starts a copy and kills it as soon as it has shown progress; returns what it had said."""
    words = [options.quoin, "files", "copy", "--to", to]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = process.stderr.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    return said.strip()


def drive(options, steps):
    api, contents = Api(options.url, options.secret_key), {}
    api.call("POST", "/storage/v1/bucket", {"id": "papers", "name": "papers"})
    for number, name in enumerate(NAMES):
        contents[name] = random.Random(number).randbytes(6_000_000 if number % 100 == 7 else 5_000)
        status, said = api.call("POST", at(name), contents[name], {"content-type": "text/plain"})
        if status != 200:
            raise SystemExit(f"{name}: {status} {said}")
    code, done, said = quoin(options, "verify")
    steps.check("verify finds everything as it was stored", code == 0 and done["objects"] == len(NAMES), said)
    to = "s3://files/" + os.environ["QUOIN_FILES_S3_PREFIX"]
    code, _, said = quoin(options, "copy", "--to", "s3://files/elsewhere")
    steps.check("a store that is not configured is refused", code != 0 and "configured" in said, said)
    move(options, steps, to, contents)
    with_aws(options, steps, api, contents)
    code, done, said = quoin(options, "copy", "--to", "disk")
    steps.check("and back to the disk", code == 0 and done["left"] == 0, f"{done} {said}")
    code, done, said = quoin(options, "verify")
    steps.check("where everything is as it was", code == 0 and done["objects"] == len(NAMES), f"{done} {said}")


def move(options, steps, to, contents):
    readers = [Reader(options, NAMES[share::4], contents) for share in range(4)]
    for reader in readers:
        reader.start()
    said = [interrupted(options, to) for _ in range(2)]
    steps.check(f"a copy is killed twice on its way ({', '.join(said)})", all("objects" in line for line in said), said)
    rounds, left = 0, 1
    while left and rounds < 10:
        # What is written meanwhile goes to the disk still, so the last run comes when nobody writes.
        if rounds == 2:
            stop(readers)
        code, done, said = quoin(options, "copy", "--to", to)
        left, rounds = done.get("left", 1), rounds + 1
        if code != 0:
            steps.check("a copy goes on where it was", False, f"{done['faults'][:3]} {said}")
    stop(readers)
    reads, writes = sum(reader.reads for reader in readers), sum(reader.writes for reader in readers)
    wrong = [line for reader in readers for line in reader.wrong]
    steps.check(f"{rounds} more runs move the rest", left == 0, done)
    steps.check(f"{reads} reads and {writes} writes meanwhile, none failed", not wrong and reads > 50, wrong[:3])
    code, done, said = quoin(options, "verify")
    steps.check("verify finds everything in S3", code == 0 and done["objects"] == len(NAMES), f"{done} {said}")


def stop(readers):
    for reader in readers:
        reader.stop = True
    for reader in readers:
        reader.join()


def with_aws(options, steps, api, contents):
    client = boto3.client(
        "s3", endpoint_url=os.environ["QUOIN_FILES_S3_ENDPOINT"], region_name="us-east-1",
        aws_access_key_id=os.environ["QUOIN_FILES_S3_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["QUOIN_FILES_S3_SECRET_ACCESS_KEY"],
        config=boto3.session.Config(s3={"addressing_style": "path"}),
    )
    prefix = os.environ["QUOIN_FILES_S3_PREFIX"] + "/platform/papers/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="files", Prefix=prefix)
    found, wrong = {}, []
    # Old versions of what was replaced go a while later.
    for key in (entry["Key"] for page in pages for entry in page.get("Contents", [])):
        got = client.get_object(Bucket="files", Key=key)
        name, body = unquote(got["Metadata"]["name"]), got["Body"].read()
        if got["Metadata"]["bucket"] != "papers" or got["ContentType"] != "text/plain":
            wrong.append(f"{key}: {got['Metadata']} {got['ContentType']}")
        if body == contents.get(name):
            found[name] = key
    missing = [name for name in NAMES if name not in found]
    steps.check(f"boto3 reads all {len(found)} objects with type, bucket and name", not missing and not wrong, (missing[:3], wrong[:3]))
    name = NAMES[1]
    right = contents[name]
    label = dict(ContentType="text/plain", Metadata={"name": "x", "bucket": "papers"})
    client.put_object(Bucket="files", Key=found[name], Body=bytes([right[0] ^ 1]) + right[1:], **label)
    code, done, said = quoin(options, "verify")
    faults = [fault["fault"] for fault in done.get("faults", [])]
    steps.check("verify names the object that somebody changed behind its back", code != 0 and len(faults) == 1, f"{done} {said}")
    status, said = api.call("GET", at(name))
    steps.check("and nobody is given it", status == 502 and b"storage_differs" in said, f"{status} {said[:200]}")
    client.put_object(Bucket="files", Key=found[name], Body=right, **label)
    steps.check("put right, it is read again", api.call("GET", at(name)) == (200, right))


def main():
    parser = argparse.ArgumentParser()
    for name in ("url", "secret-key", "quoin"):
        parser.add_argument("--" + name, required=True)
    options, _ = parser.parse_known_args()
    steps = Steps()
    drive(options, steps)
    print(f"files-commands: {steps.passed} passed, {steps.failed} failed")
    raise SystemExit(1 if steps.failed else 0)


main()
