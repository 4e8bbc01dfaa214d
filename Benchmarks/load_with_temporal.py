"""Loads the customers with the official Python SDK of Temporal, in the environment of temporal.sh:

    load_with_temporal.py worker ADDRESS SOURCE URL           works until SIGTERM
    load_with_temporal.py run ADDRESS BATCHES [local]         has workers load them, and waits; so many batches an activity
"""

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from temporalio.client import Client
from temporalio.worker import Worker

from temporal_activities import Activities
from temporal_workflows import Executor, Job, Orchestrator

EXECUTORS = 8
TASK_QUEUE = "customers"


async def connect(address):
    parts = urlsplit(address)
    return await Client.connect(parts.netloc, namespace=parts.path.removeprefix("/"))


async def work(address, source, url):
    client = await connect(address)
    activities = Activities(source, url)
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    with ThreadPoolExecutor(EXECUTORS) as threads:
        async with Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[Orchestrator, Executor],
            activities=[activities.prepare, activities.load],
            activity_executor=threads,
            max_concurrent_activities=EXECUTORS,
            max_concurrent_local_activities=EXECUTORS,
        ):
            print("worker is ready", flush=True)
            await end.wait()


async def run(address, batches, local=""):
    client = await connect(address)
    job = Job(executors=EXECUTORS, batch=1000, batches_per_activity=int(batches), local=local == "local")
    print(await client.execute_workflow(Orchestrator.run, job, id="customers", task_queue=TASK_QUEUE), "records")


def run_and_exit(main):
    """Ends without taking Python apart, which aborts at times while the SDK's threads live (temporalio/sdk-python issue 300)."""
    asyncio.run(main)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    run_and_exit({"worker": work, "run": run}[sys.argv[1]](*sys.argv[2:]))
