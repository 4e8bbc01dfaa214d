#ifndef SIMULATED_SYSTEM_H
#define SIMULATED_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

// What a thread gets in place of the system's threads, clocks, dice and disk. Every other thread of the process keeps the real ones.
//
// Swift's runtime hands the jobs of its tasks, and the sleeps of its clocks, to libdispatch; databases hand their work to libdispatch's
// queues; dates come from clock_gettime, Swift's random numbers from the kernel, and what is to survive a power cut goes through fsync. This
// target defines these functions for the test executable, so that the code under test needs no change and nothing in it can forget to wait
// on the simulated clock.
typedef struct simulated_system {
    void *context;
    // A job of Swift's runtime: run it once with `function(argument)`.
    void (*enqueue)(void *context, void *argument, void (*function)(void *));
    // The same, not before a time.
    void (*enqueue_at)(void *context, int64_t nanoseconds, void *argument, void (*function)(void *));
    // A block for a queue: run it once with `simulated_work_run`, blocks of one queue in their order.
    void (*enqueue_work)(void *context, void *queue, void *block);
    // What a clock shows.
    int64_t (*nanoseconds)(void *context, int32_t is_wall_clock);
    uint64_t (*random)(void *context);
    // Whether a change may still reach the disk: 0, or the errno that it fails with.
    int32_t (*disk_fault)(void *context, int32_t is_growth);
    void (*synced)(void *context, int32_t descriptor);
    void (*renamed)(void *context, const char *from, const char *to);
    // What is said on stderr when the thread crashes; NULL for nothing.
    const char *crash_note;
} simulated_system;

// Gives the calling thread a system; NULL gives it back the real one. The system must live as long.
void simulated_system_enter(const simulated_system *system);

void simulated_work_run(void *queue, void *block);

// Whether there is such a system in this build: not beside a sanitizer.
int simulated_system_works(void);

#endif
