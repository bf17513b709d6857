"""Asks a server and the Stripe it sells through, and compares their books. What the drivers beside it share."""
import http.client, json, os, shutil, signal, sqlite3, subprocess, time
from urllib.parse import urlencode, urlsplit

PATIENCE_S = 240
WORD = "three unrelated words"
# What must not differ, whatever the order: everything but the moments at which this server learned of it.
TRUTH = {
    "subscriptions": "subject_id, remote_id, plan_id, plan_version, price_id, status, quantity, amount, currency,"
    " current_period_start, current_period_end, trial_end, cancel_at, canceled_at, ended_at, paused, discount, disputed,"
    " past_due_since, access, mismatch",
    "invoices": "subject_id, remote_id, subscription, number, status, subtotal, total, amount_paid, amount_refunded,"
    " amount_remaining, lines, mismatch",
    "refunds": "subject_id, remote_id, amount, status",
    "checkouts": "subject_id, remote_id, state, problem",
    "entitlements": "subject_id, name, plan_id, value, allowed, mode, used",
    "standings": "subject_id, plan_id, plan_version, premium, premium_until, auto_renew",
}


def ask(base, method, path, body=None, headers=None, form=False):
    place = urlsplit(base)
    given = dict(headers or {})
    if body is not None:
        given["content-type"] = "application/x-www-form-urlencoded" if form else "application/json"
        body = (urlencode(body) if form else json.dumps(body)) if not isinstance(body, bytes) else body
    link = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    try:
        link.request(method, path, body, given)
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


class Stripe:
    def __init__(self, url):
        self.url, self.newest, self.events = url, None, 0

    def call(self, method, path, **fields):
        headers = {"authorization": "Bearer sk_test_books"}
        target = f"/v1/{path}" + (f"?{urlencode(fields)}" if method == "GET" and fields else "")
        status, text = ask(self.url, method, target, None if method == "GET" else fields, headers, form=True)
        found = json.loads(text)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {text.decode()}")
        return found

    def pages(self, path, **fields):
        after = {}
        while True:
            page = self.call("GET", path, limit=100, **fields, **after)
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def count_events(self):
        """Counts what has happened so far, and asks only for what is new since it was asked before."""
        if self.newest is None:
            every = list(self.pages("events"))
            self.events, self.newest = len(every), every[0]["id"] if every else None
        while self.newest and (page := self.call("GET", "events", limit=100, ending_before=self.newest)["data"]):
            self.events, self.newest = self.events + len(page), page[0]["id"]
        return self.events

    def pay(self, url, card):
        fields = {"email": "ada@example.com", "name": "Ada", "number": card, "expiry": "12/34", "cvc": "123"}
        place = urlsplit(url)
        base = f"{place.scheme}://{place.netloc}"
        return ask(base, "POST", place.path, fields, {"origin": base}, form=True)[0]


class Quoin:
    """The server, on one of several copies of the same data."""

    def __init__(self, options):
        self.options, self.words = options, options.serve
        self.url = "http://" + os.environ["QUOIN_LISTEN"]
        self.key = os.environ["QUOIN_SECRET_KEY"]
        self.log = open(os.path.join(options.folder, "log"), "ab")
        self.process, self.name = None, "base"
        self.prefix = os.path.basename(options.folder).replace("-", "_")

    def environment(self):
        settings = dict(os.environ)
        settings["QUOIN_DATA_DIR"] = os.path.join(self.options.folder, self.name)
        if self.options.psql:
            settings["QUOIN_DATABASE_URL"] = self.database()
        return settings

    def database(self, name=None):
        place = urlsplit(self.options.template_of)
        return place._replace(path=f"/{self.prefix}_{name or self.name}").geturl()

    def sql(self, url, text):
        words = [self.options.psql, url, "-v", "ON_ERROR_STOP=1", "-Atqc", text]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def make(self):
        if self.options.psql:
            self.sql(self.options.template_of, f"create database {self.prefix}_base")

    def copy(self, name):
        """Puts a fresh copy of the base in place; the server must be stopped."""
        folder = os.path.join(self.options.folder, name)
        shutil.copytree(os.path.join(self.options.folder, "base"), folder)
        if self.options.psql:
            self.sql(self.options.template_of, f"create database {self.prefix}_{name} template {self.prefix}_base")
        self.name = name

    def forget(self):
        shutil.rmtree(os.path.join(self.options.folder, self.name))
        if self.options.psql:
            self.sql(self.options.template_of, f"drop database {self.prefix}_{self.name}")

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=self.log, stderr=self.log, env=self.environment())
        for _ in range(1500):
            try:
                if ask(self.url, "GET", "/readyz")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            if self.process.poll() is not None:
                raise SystemExit("the server ended")
            time.sleep(0.02)
        raise SystemExit("the server does not get ready")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()

    def rows(self, columns, table, where=""):
        if self.options.psql:
            text = f"select coalesce(json_agg(x), '[]') from (select {columns} from quoin.{table} {where} order by 1, 2) x"
            return [list(row.values()) for row in json.loads(self.sql(self.database(), text))]
        path = os.path.join(self.options.folder, self.name, "quoin.db")
        link = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        try:
            return [list(row) for row in link.execute(f"select {columns} from quoin_{table} {where} order by 1, 2")]
        finally:
            link.close()

    def count(self, table, where):
        return self.rows("count(*), 1", table, where)[0][0] if not self.options.psql else int(
            self.sql(self.database(), f"select count(*) from quoin.{table} {where}"))

    def truth(self):
        return {name: self.rows(columns, f"payments_{name}") for name, columns in TRUTH.items()}

    def settle(self, events):
        """Waits until every event is kept and nothing is behind."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            kept = self.count("payments_events", "where provider = 'stripe'")
            behind = self.count("payments_objects", "where known < news")
            if kept == events and behind == 0:
                return
            time.sleep(0.05)
        raise SystemExit(f"{kept} of {events} events are kept, {behind} objects are behind")


def against_stripe(stripe, truth):
    """The books here are those there: every subscription, every invoice, and nothing given that is not paid for."""
    there = {one["id"]: one for one in stripe.pages("subscriptions", status="all")}
    columns = [name.strip() for name in TRUTH["subscriptions"].split(",")]
    here = [dict(zip(columns, row)) for row in truth["subscriptions"]]
    wrong = [f"{one['remote_id']} is missing" for one in here if one["remote_id"] not in there]
    wrong += [f"{id} is unknown here" for id in there.keys() - {one["remote_id"] for one in here}]
    paying = set()
    for one in here:
        remote = there.get(one["remote_id"], {})
        quantity = remote["items"]["data"][0]["quantity"]
        if (one["status"], one["quantity"]) != (remote["status"], quantity):
            wrong.append(f"{one['remote_id']}: {one['status']} x {one['quantity']}, there {remote['status']} x {quantity}")
        if one["access"] in ("full", "grace"):
            paying.add(one["subject_id"])
    given = {row[0] for row in truth["entitlements"] if row[1] == "export" and row[3] in ("true", True)}
    wrong += [f"{subject} has what it did not pay for" for subject in given - paying]
    wrong += [f"{subject} lacks what it paid for" for subject in paying - given]
    invoices = {one["id"]: one for one in stripe.pages("invoices") if one["status"] != "draft"}
    columns = [name.strip() for name in TRUTH["invoices"].split(",")]
    mirrored = {}
    for row in truth["invoices"]:
        one = dict(zip(columns, row))
        mirrored[one["remote_id"]] = one
        lines = json.loads(one["lines"]) if isinstance(one["lines"], str) else one["lines"]
        if sum(line["amount"] for line in lines) != one["subtotal"]:
            wrong.append(f"{one['remote_id']} is not the sum of its lines")
    for id, remote in invoices.items():
        one = mirrored.get(id)
        if one is None or (one["total"], one["amount_paid"]) != (remote["total"], remote["amount_paid"]):
            wrong.append(f"{id}: {one and (one['total'], one['amount_paid'])}, there {(remote['total'], remote['amount_paid'])}")
    return wrong
