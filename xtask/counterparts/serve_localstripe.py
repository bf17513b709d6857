"""Serves localstripe, an older imitation of Stripe, on loopback alone and with its state in memory: serve_localstripe.py PORT."""
import sys

import localstripe.resources
from aiohttp import web
from localstripe.server import app

# It would write a file that every instance on the machine shares.
localstripe.resources.Store.dump_to_disk = lambda self: None
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
