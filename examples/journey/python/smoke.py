"""The Python client library against a running Quoin: signs in, writes a row, reads it back."""

import argparse
import json
import sys
import urllib.request
import uuid

from supabase import create_client

PASSWORD = "a long walk in the rain"
NOTES = """
create table notes (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null default auth.uid(),
  body text not null
);
alter table notes enable row level security;
create policy notes_all on notes for all using (owner_id = auth.uid()) with check (owner_id = auth.uid());
"""


def administer(arguments, path, body):
    """Sends one call with the secret key."""
    request = urllib.request.Request(arguments.url + path, json.dumps(body).encode(), method="POST")
    request.add_header("authorization", f"Bearer {arguments.secret_key}")
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def journey(arguments, step):
    """Runs the steps in order."""
    administer(arguments, "/admin/v1/migrations", {"name": "python_notes", "sql": NOTES})
    step("the administrator makes a table")

    email = f"grace-{uuid.uuid4().hex[:8]}@journey.example"
    admin = create_client(arguments.url, arguments.secret_key)
    made = admin.auth.admin.create_user({"email": email, "password": PASSWORD, "email_confirm": True})
    assert made.user.email == email
    step("the administrator creates a person whose address is confirmed")

    client = create_client(arguments.url, arguments.publishable_key)
    session = client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert session.user.id == made.user.id
    step("sign_in_with_password")

    notes = client.table("notes")
    row = notes.insert({"body": "compilers"}).execute().data[0]
    assert row["owner_id"] == made.user.id
    rows = client.table("notes").select("body").eq("body", "compilers").execute().data
    assert rows == [{"body": "compilers"}], rows
    step("a row is inserted and selected")

    stranger = create_client(arguments.url, arguments.publishable_key)
    assert stranger.table("notes").select("*").execute().data == []
    step("nobody else sees it")

    client.auth.sign_out()
    step("sign_out")


def main():
    """Reads the command line and prints a line per step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--publishable-key", required=True)
    parser.add_argument("--secret-key", required=True)
    passed = []

    def step(name):
        passed.append(name)
        print(f"  ✓ {name}", flush=True)

    failed = 0
    try:
        journey(parser.parse_args(), step)
    except Exception as error:  # every failure ends the same way: with its reason and the summary line
        print(f"  ✗ after {passed[-1] if passed else 'nothing'}: {error!r}", flush=True)
        failed = 1
    print(f"python: {len(passed)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
