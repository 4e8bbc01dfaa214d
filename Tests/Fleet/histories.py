"""What Temporal's own command says of a run's executions: all closed in order, none over its limit, and each chain whole.

    histories.py TEMPORAL HOST:PORT RUN LIMIT       exit status 0 when all is well; prints what was found
"""

import json
import subprocess
import sys
import time

temporal, address, run, limit = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def ask(*arguments):
    command = [temporal, "workflow", *arguments, "--address", address, "--output", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def listed():
    """Every execution of the run; the server's lists may be a moment behind."""
    query = f"WorkflowId = '{run}' OR WorkflowId STARTS_WITH '{run}/'"
    for _ in range(60):
        executions = ask("list", "--limit", "100000", "--query", query)
        if executions and not any(one["status"].endswith("_RUNNING") for one in executions):
            return executions
        time.sleep(0.5)
    raise SystemExit("histories.py: executions of the run are still open: " + json.dumps(executions[:3]))


def require(holds, text):
    if not holds:
        raise SystemExit(f"histories.py: {text}")


chains = {}
longest = 0
for execution in listed():
    name = execution["execution"]["workflowId"]
    status = execution["status"].removeprefix("WORKFLOW_EXECUTION_STATUS_")
    length = int(execution["historyLength"])
    longest = max(longest, length)
    require(length <= limit, f"{name} has {length} events, where {limit} are allowed")
    require(status in ("COMPLETED", "CONTINUED_AS_NEW"), f"{name} ended as {status}")
    chains.setdefault(name, []).append((execution["startTime"], status, execution["execution"]["runId"]))

for name, chain in chains.items():
    ends = [status for _, status, _ in sorted(chain)]
    require(ends.count("COMPLETED") == 1 and ends[-1] == "COMPLETED", f"the chain of {name} is not whole: {ends}")
executors = {name: chain for name, chain in chains.items() if "/" in name}
require(executors and all(len(chain) > 1 for chain in executors.values()), "an executor is no chain of executions")

# One chain from its first execution to its last, as its histories tell it.
name = max(executors, key=lambda name: len(executors[name]))
chain = [run_id for _, _, run_id in sorted(executors[name])]
for run_id, successor in zip(chain, chain[1:] + [None]):
    last = ask("show", "--workflow-id", name, "--run-id", run_id)["events"][-1]
    attributes = last.get("workflowExecutionContinuedAsNewEventAttributes", {})
    require(attributes.get("newExecutionRunId") == successor, f"{name}: the history of {run_id} ends with {last}")

memo = ask("describe", "--workflow-id", name)["workflowExecutionInfo"]["memo"]["fields"]
require("run" in memo and "bucket" in memo, f"{name} has no memo: {memo}")

print(
    f"{sum(map(len, chains.values()))} executions; {len(executors)} executors, each a chain of"
    f" {min(map(len, executors.values()))} to {max(map(len, executors.values()))};"
    f" the longest history has {longest} events, {limit} are allowed"
)
