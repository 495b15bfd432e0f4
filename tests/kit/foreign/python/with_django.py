import logging.config
import os

import django
import waitress
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse
from django.urls import path

import logs

settings.configure(
    ALLOWED_HOSTS=[os.environ["HOST_NAME"]],
    BASE_DIR="/app",
    DOCKERFLOW_CHECKS=[],
    LOGGING=logs.CONFIG,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "dockerflow.django.middleware.DockerflowMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not-secret",
)
django.setup()
urlpatterns = [path("hello.txt", lambda request: FileResponse(open("/app/hello.txt", "rb")))]
logs.end_on_sigterm()
waitress.serve(get_wsgi_application(), host="0.0.0.0", port=int(os.environ["PORT"]))
