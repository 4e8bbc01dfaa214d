"""Durable activities that do nothing, with the official Python SDK: noop_with_temporal.py ADDRESS, in the environment of temporal.sh.

Client and worker are one process. A workflow does 200 activities, one after the other; first one such workflow, then eight at the same time.
Prints how many activities were done a second, from when the client starts a workflow to when it has the result.
"""

import asyncio
import sys
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from load_with_temporal import connect, run_and_exit

TASK_QUEUE = "noop"
ACTIVITIES = 200
AT_ONCE = 8


@activity.defn
async def nothing() -> None:
    pass


@workflow.defn
class Sequence:
    @workflow.run
    async def run(self, count: int) -> None:
        for _ in range(count):
            await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=30))


async def rate(client, name, workflows, count=ACTIVITIES):
    start = time.monotonic()
    await asyncio.gather(
        *(client.execute_workflow(Sequence.run, count, id=f"{name}-{number}", task_queue=TASK_QUEUE) for number in range(workflows))
    )
    return workflows * count / (time.monotonic() - start)


async def main(address):
    client = await connect(address)
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[Sequence], activities=[nothing]):
        # So that both have been at work before.
        await rate(client, "first", workflows=AT_ONCE, count=5)
        print(f"one workflow: {await rate(client, 'sequence', workflows=1):.1f} activities/s", flush=True)
        print(f"eight at once: {await rate(client, 'eight', workflows=AT_ONCE):.1f} activities/s", flush=True)


if __name__ == "__main__":
    run_and_exit(main(sys.argv[1]))
