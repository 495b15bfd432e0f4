"""Receives telemetry on a port of its own, which it prints: spans by OTLP over HTTP, and Sentry's envelopes.

GET /received answers with all that has come, as JSON.
"""

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

RECEIVED = {"spans": [], "items": [], "others": []}


def envelope(body):
    """The items of an envelope, which is a line of JSON for itself, and one before each item."""
    _header, _, rest = body.partition(b"\n")
    while rest:
        header, _, rest = rest.partition(b"\n")
        header = json.loads(header)
        length = header.get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        else:
            payload, rest = rest[:length], rest[length:].lstrip(b"\n")
        yield {"type": header["type"], "payload": json.loads(payload)}


def spans(body):
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "name": span.name,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "events": [event.name for event in span.events],
                }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(json.dumps(RECEIVED).encode(), "application/json")

    def do_POST(self):
        body = self.body()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            RECEIVED["spans"].extend(spans(body))
            return self.answer(ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf")
        if self.path.endswith("/envelope/"):
            RECEIVED["items"].extend(envelope(body))
            return self.answer(b"{}", "application/json")
        RECEIVED["others"].append(self.path)
        self.answer(b"", "text/plain")

    def body(self):
        if self.headers.get("transfer-encoding") == "chunked":
            parts = []
            while length := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
