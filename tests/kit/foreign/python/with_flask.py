import logging.config
import os

import flask
import waitress
from dockerflow.flask import Dockerflow

import logs

logging.config.dictConfig(logs.CONFIG)
app = flask.Flask(__name__, static_folder=None)
Dockerflow(app, version_path="/app")


@app.route("/hello.txt")
def hello():
    return flask.send_file("/app/hello.txt")


logs.end_on_sigterm()
waitress.serve(app, host="0.0.0.0", port=int(os.environ["PORT"]))
