#!/usr/bin/env python3
"""Serves a folder on a free port of the loopback interface to whoever knows the password. Prints the port.

    password.py FOLDER USER PASSWORD
"""

import base64
import functools
import http.server
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    expected = "Basic " + base64.b64encode(f"{sys.argv[2]}:{sys.argv[3]}".encode()).decode()

    def do_GET(self):
        if self.headers.get("Authorization") == self.expected:
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.send_header("Content-Length", "0")
        self.end_headers()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
