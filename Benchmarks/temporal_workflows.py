"""The customers' load for the official Python SDK, as its users would write it: one executor a bucket, each a child of the orchestrator."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from temporal_activities import Activities, Slice

# After so many activities an executor hands over to a new one, since a history must not grow beyond 50,000 events.
ACTIVITIES_OF_AN_EXECUTOR = 500


@dataclass
class Job:
    executors: int
    batch: int
    batches_per_activity: int
    # Local activities run within the workflow's task: the server sees a marker of each, and no worker takes over what another has begun.
    local: bool


@dataclass
class Bucket:
    next: int
    end: int
    job: Job
    records: int = 0


@workflow.defn
class Orchestrator:
    @workflow.run
    async def run(self, job: Job) -> int:
        ids = await workflow.execute_activity_method(Activities.prepare, start_to_close_timeout=timedelta(minutes=1))
        cuts = [ids.first + (ids.end - ids.first) * number // job.executors for number in range(job.executors + 1)]
        return sum(
            await asyncio.gather(
                *(
                    workflow.execute_child_workflow(Executor.run, Bucket(first, end, job), id=f"{workflow.info().workflow_id}-{first}")
                    for first, end in zip(cuts, cuts[1:])
                )
            )
        )


@workflow.defn
class Executor:
    @workflow.run
    async def run(self, bucket: Bucket) -> int:
        job = bucket.job
        execute = workflow.execute_local_activity_method if job.local else workflow.execute_activity_method
        patience = {} if job.local else {"heartbeat_timeout": timedelta(seconds=30)}
        for _ in range(ACTIVITIES_OF_AN_EXECUTOR):
            if bucket.next == bucket.end:
                return bucket.records
            end = min(bucket.end, bucket.next + job.batch * job.batches_per_activity)
            bucket.records += await execute(
                Activities.load, Slice(bucket.next, end, job.batch), start_to_close_timeout=timedelta(minutes=5), **patience
            )
            bucket.next = end
        workflow.continue_as_new(bucket)
