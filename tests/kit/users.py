#!/usr/bin/env python3
"""Users of the guest book: some keep their connections, some open a new one for each request. One request in twenty signs the book.

    users.py URL [USERS]

Half of the USERS (16) keep their connections. On SIGUSR1 it prints a line: the requests since the last line, how many of them were on
kept and on new connections, how many failed, and the first failures. SIGTERM does so, too, and ends it. No request is tried again.
"""

import collections
import http.client
import json
import signal
import sys
import threading
import time
import urllib.parse

address = urllib.parse.urlsplit(sys.argv[1]).netloc
users = int(sys.argv[2]) if len(sys.argv) > 2 else 16
lock = threading.Lock()
counts = collections.Counter()
failures = []
ending = threading.Event()


def ask(connection, number):
    """One request: None if it went well, else what went wrong."""
    try:
        if number % 20 == 0:
            body = json.dumps({"name": f"Visitor {number}", "home": "", "message": "Ahoy"})
            connection.request("POST", "/api/entries", body, {"content-type": "application/json"})
            expected = 201
        else:
            connection.request("GET", "/" if number % 2 else "/api/entries")
            expected = 200
        response = connection.getresponse()
        response.read()
        return None if response.status == expected else f"status {response.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__} {error}"


def user(keeps):
    connection = None
    number = 0
    while not ending.is_set():
        number += 1
        if connection is None:
            connection = http.client.HTTPConnection(address, timeout=20)
        failure = ask(connection, number)
        with lock:
            counts["kept" if keeps else "new"] += 1
            if failure:
                failures.append(f"{time.strftime('%H:%M:%S')} {'kept' if keeps else 'new'} {failure}")
        if failure or not keeps:
            connection.close()
            connection = None
        time.sleep(0.01)


def report(*_):
    with lock:
        line = f"{counts['kept'] + counts['new']} requests, {counts['kept']} kept, {counts['new']} new, {len(failures)} failed"
        if failures:
            line += ": " + "; ".join(failures[:5])
        counts.clear()
        failures.clear()
    print(line, flush=True)


wanted = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: wanted.set())
signal.signal(signal.SIGTERM, lambda *_: ending.set())
threads = [threading.Thread(target=user, args=(number % 2 == 0,)) for number in range(users)]
for thread in threads:
    thread.start()
while not ending.is_set():
    if wanted.wait(0.1):
        wanted.clear()
        report()
for thread in threads:
    thread.join()
report()
