"""Google's Cloud Storage, as far as its XML protocol is needed, in front of `gcp-storage-emulator`.

The emulator keeps the objects and speaks Google's JSON protocol; of the XML protocol it knows little, and its answers lack
entity tags. This front translates: each call becomes one of the emulator's. What the emulator ignores is done here:
`x-goog-if-generation-match: 0`, uploads in parts, ranges.

usage: gcs.py PORT PORT-OF-THE-EMULATOR
"""

import json
import re
import sys
import uuid
from email.utils import formatdate
from datetime import datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from gcp_storage_emulator.server import create_server

BUCKET = "files"
UPLOADS = {}


def ask(port, method, path, body=None, headers=None):
    """Asks the emulator and returns status and body."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    emulator = 0

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        length = headers.get("Content_Length")
        if length is None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def parts(self):
        url = urlsplit(self.path)
        _, bucket, *rest = url.path.split("/", 2)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        return unquote(bucket), unquote(rest[0]) if rest else "", query

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def resource(self, bucket, name):
        status, body = ask(self.emulator, "GET", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
        return json.loads(body) if status == 200 else None

    def described(self, resource):
        at = datetime.fromisoformat(resource["updated"].replace("Z", "+00:00"))
        return {
            "ETag": '"%s"' % resource["md5Hash"],
            "Last_Modified": formatdate(at.timestamp(), usegmt=True),
            "Content_Type": resource["contentType"],
            "x_goog_generation": str(resource.get("generation", 1)),
        }

    def missing(self):
        self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def store(self, bucket, name, body):
        kind = self.headers.get("Content-Type") or "application/octet-stream"
        if body:
            ask(self.emulator, "PUT", f"/{bucket}/{quote(name)}", body, {"Content-Type": kind})
        else:
            # The emulator takes no empty body; nothing composed of nothing is empty, too.
            path = f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}/compose"
            wish = json.dumps({"destination": {"contentType": kind}, "sourceObjects": []})
            ask(self.emulator, "POST", path, wish, {"Content-Type": "application/json"})
        return self.described(self.resource(bucket, name))

    def do_PUT(self):
        bucket, name, query = self.parts()
        body = self.body()
        if "uploadId" in query:
            if query["uploadId"] not in UPLOADS:
                return self.answer(404, b"<Error><Code>NoSuchUpload</Code></Error>")
            UPLOADS[query["uploadId"]][int(query["partNumber"])] = body
            return self.answer(200, ETag='"%s"' % query["partNumber"])
        if self.headers.get("x-goog-if-generation-match") == "0" and self.resource(bucket, name):
            return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        source = self.headers.get("x-goog-copy-source")
        if source:
            origin, key = source.split("/", 1)
            path = f"/storage/v1/b/{origin}/o/{quote(unquote(key), safe='')}/copyTo/b/{bucket}/o/{quote(name, safe='')}"
            status, _ = ask(self.emulator, "POST", path)
            return self.answer(200, b"<CopyObjectResult/>") if status == 200 else self.missing()
        headers = self.store(bucket, name, body)
        del headers["Content_Type"]
        self.answer(200, **headers)

    def do_POST(self):
        bucket, name, query = self.parts()
        self.body()
        if "uploads" in query:
            upload = uuid.uuid4().hex
            UPLOADS[upload] = {}
            xml = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return self.answer(200, xml.encode())
        pieces = UPLOADS.pop(query.get("uploadId"), None)
        if pieces is None:
            return self.answer(404, b"<Error><Code>NoSuchUpload</Code></Error>")
        headers = self.store(bucket, name, b"".join(pieces[number] for number in sorted(pieces)))
        xml = f"<CompleteMultipartUploadResult><ETag>{escape(headers['ETag'])}</ETag></CompleteMultipartUploadResult>"
        self.answer(200, xml.encode(), x_goog_generation=headers["x_goog_generation"])

    def do_DELETE(self):
        bucket, name, query = self.parts()
        if "uploadId" in query:
            return self.answer(204) if UPLOADS.pop(query["uploadId"], None) is not None else self.missing()
        status, _ = ask(self.emulator, "DELETE", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
        self.answer(204) if status in (200, 204) else self.missing()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        bucket, name, query = self.parts()
        if not name:
            return self.list(bucket, query)
        resource = self.resource(bucket, name)
        if resource is None:
            return self.missing()
        headers, size = self.described(resource), int(resource["size"])
        if self.command == "HEAD":
            return self.answer(200, Content_Length=str(size), **headers)
        _, body = ask(self.emulator, "GET", f"/{bucket}/{quote(name)}")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if not wanted:
            return self.answer(200, body, **headers)
        start, end = int(wanted[1]), min(int(wanted[2]), size - 1)
        if start >= size:
            return self.answer(416)
        self.answer(206, body[start : end + 1], Content_Range=f"bytes {start}-{end}/{size}", **headers)

    def list(self, bucket, query):
        status, body = ask(self.emulator, "GET", f"/storage/v1/b/{bucket}/o?prefix={quote(query.get('prefix', ''), safe='')}")
        if status != 200:
            return self.answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        after = query.get("continuation-token") or query.get("start-after", "")
        found = sorted(json.loads(body).get("items", []), key=lambda item: item["name"])
        found = [item for item in found if item["name"] > after]
        page = found[: int(query.get("max-keys", 1000))]
        rows = "".join(
            f"<Contents><Key>{escape(item['name'])}</Key><Size>{item['size']}</Size>"
            f"<LastModified>{item['updated']}</LastModified></Contents>"
            for item in page
        )
        more = f"<NextContinuationToken>{escape(page[-1]['name'])}</NextContinuationToken>" if len(page) < len(found) else ""
        self.answer(200, f"<ListBucketResult>{rows}{more}</ListBucketResult>".encode())


def main():
    Front.emulator = int(sys.argv[2])
    create_server("127.0.0.1", Front.emulator, in_memory=True, default_bucket=BUCKET).start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()


main()
