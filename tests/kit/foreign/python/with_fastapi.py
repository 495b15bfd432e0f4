import os

import uvicorn
from dockerflow.fastapi import router
from dockerflow.fastapi.middleware import MozlogRequestSummaryLogger
from fastapi import FastAPI
from fastapi.responses import FileResponse

import logs

app = FastAPI()
app.include_router(router)
app.add_middleware(MozlogRequestSummaryLogger)


@app.get("/hello.txt")
def hello():
    return FileResponse("/app/hello.txt")


uvicorn.run(app, host="0.0.0.0", port=int(os.environ["PORT"]), log_config=logs.CONFIG, access_log=False)
