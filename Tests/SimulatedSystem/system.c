#define _GNU_SOURCE
#include "SimulatedSystem.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static _Thread_local const simulated_system *current;

// Only what is safe while a signal is handled. With the signal's action reset, the crash happens again, and ends the process.
static void tell(int signal) {
    (void)signal;
    if (!current || !current->crash_note) return;
    ssize_t written = write(STDERR_FILENO, current->crash_note, strlen(current->crash_note));
    (void)written;
}

void simulated_system_enter(const simulated_system *system) {
    current = system;
    static atomic_flag tells_crashes = ATOMIC_FLAG_INIT;
    if (!system || !system->crash_note || atomic_flag_test_and_set(&tells_crashes)) return;
    struct sigaction action = {.sa_handler = tell, .sa_flags = (int)SA_RESETHAND};
    const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
    for (size_t index = 0; index < sizeof signals / sizeof signals[0]; index++) sigaction(signals[index], &action, NULL);
}

// The function that the definition here stands before.
#define REAL(type, name)                                                                                                            \
    static _Atomic(void *) found_##name;                                                                                            \
    void *real_##name = atomic_load_explicit(&found_##name, memory_order_relaxed);                                                  \
    if (!real_##name) {                                                                                                             \
        real_##name = dlsym(RTLD_NEXT, #name);                                                                                      \
        atomic_store_explicit(&found_##name, real_##name, memory_order_relaxed);                                                    \
    }                                                                                                                               \
    __typeof__(type) name##_really = (type)real_##name

// MARK: Tasks and queues

extern void *_Block_copy(const void *block);
extern void _Block_release(const void *block);
extern void dispatch_sync(void *queue, void *block);
extern void dispatch_retain(void *object);
extern void dispatch_release(void *object);

void simulated_work_run(void *queue, void *block) {
    // On the calling thread, and yet with all that the queue promises to its blocks.
    dispatch_sync(queue, block);
    _Block_release(block);
    dispatch_release(queue);
}

// A sanitizer stands before some of these functions itself, and its runtime needs the real ones.
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
int simulated_system_works(void) { return 0; }
#else
int simulated_system_works(void) { return 1; }

void dispatch_async(void *queue, void *block) {
    if (current) {
        dispatch_retain(queue);
        current->enqueue_work(current->context, queue, _Block_copy(block));
        return;
    }
    REAL(void (*)(void *, void *), dispatch_async);
    dispatch_async_really(queue, block);
}

void dispatch_async_f(void *queue, void *argument, void (*function)(void *)) {
    if (current) {
        current->enqueue(current->context, argument, function);
        return;
    }
    REAL(void (*)(void *, void *, void (*)(void *)), dispatch_async_f);
    dispatch_async_f_really(queue, argument, function);
}

// The highest bit of a dispatch_time_t only names the clock. Both clocks that are no wall clock show the same here.
static int64_t nanoseconds_of(uint64_t time) { return (int64_t)(time & ~(1ull << 63)); }

void dispatch_after_f(uint64_t when, void *queue, void *argument, void (*function)(void *)) {
    if (current) {
        current->enqueue_at(current->context, nanoseconds_of(when), argument, function);
        return;
    }
    REAL(void (*)(uint64_t, void *, void *, void (*)(void *)), dispatch_after_f);
    dispatch_after_f_really(when, queue, argument, function);
}

// A sleep with a tolerance is a timer that the runtime makes, fills and starts in one go.
static _Thread_local struct {
    void *source;
    void *argument;
    void (*function)(void *);
    int64_t nanoseconds;
} timer;

void dispatch_source_set_timer(void *source, uint64_t when, uint64_t interval, uint64_t leeway) {
    REAL(void (*)(void *, uint64_t, uint64_t, uint64_t), dispatch_source_set_timer);
    if (current) {
        timer.source = source;
        timer.nanoseconds = nanoseconds_of(when);
        when = ~0ull;
    }
    dispatch_source_set_timer_really(source, when, interval, leeway);
}

void dispatch_set_context(void *object, void *argument) {
    REAL(void (*)(void *, void *), dispatch_set_context);
    if (current && object == timer.source) timer.argument = argument;
    dispatch_set_context_really(object, argument);
}

void dispatch_source_set_event_handler_f(void *source, void (*function)(void *)) {
    REAL(void (*)(void *, void (*)(void *)), dispatch_source_set_event_handler_f);
    if (current && source == timer.source) timer.function = function;
    dispatch_source_set_event_handler_f_really(source, function);
}

void dispatch_activate(void *object) {
    REAL(void (*)(void *), dispatch_activate);
    dispatch_activate_really(object);
    if (!current || object != timer.source) return;
    timer.source = NULL;
    current->enqueue_at(current->context, timer.nanoseconds, timer.argument, timer.function);
}

// MARK: Clocks and dice

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (current && clock != CLOCK_THREAD_CPUTIME_ID && clock != CLOCK_PROCESS_CPUTIME_ID) {
        int64_t nanoseconds = current->nanoseconds(current->context, clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE);
        time->tv_sec = nanoseconds / 1000000000;
        time->tv_nsec = nanoseconds % 1000000000;
        return 0;
    }
    REAL(int (*)(clockid_t, struct timespec *), clock_gettime);
    return clock_gettime_really(clock, time);
}

// Swift's generator asks the kernel without a function of its own for it.
long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long arguments[6];
    for (int index = 0; index < 6; index++) arguments[index] = va_arg(list, long);
    va_end(list);
    if (current && number == SYS_getrandom) {
        char *buffer = (char *)arguments[0];
        size_t count = (size_t)arguments[1];
        for (size_t done = 0; done < count; done += sizeof(uint64_t)) {
            uint64_t random = current->random(current->context);
            memcpy(buffer + done, &random, count - done < sizeof random ? count - done : sizeof random);
        }
        return (long)count;
    }
    REAL(long (*)(long, ...), syscall);
    return syscall_really(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

// MARK: The disk

#define FAIL_IF_GONE(is_growth)                                                                                                            \
    if (current) {                                                                                                                  \
        int32_t fault = current->disk_fault(current->context, is_growth);                                                                      \
        if (fault) {                                                                                                                \
            errno = fault;                                                                                                          \
            return -1;                                                                                                              \
        }                                                                                                                           \
    }

int fsync(int descriptor) {
    FAIL_IF_GONE(0)
    if (current) {
        current->synced(current->context, descriptor);
        return 0;
    }
    REAL(int (*)(int), fsync);
    return fsync_really(descriptor);
}

int fdatasync(int descriptor) {
    FAIL_IF_GONE(0)
    if (current) {
        current->synced(current->context, descriptor);
        return 0;
    }
    REAL(int (*)(int), fdatasync);
    return fdatasync_really(descriptor);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    FAIL_IF_GONE(1)
    REAL(ssize_t (*)(int, const void *, size_t, off_t), pwrite);
    return pwrite_really(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    FAIL_IF_GONE(1)
    REAL(ssize_t (*)(int, const void *, size_t, off64_t), pwrite64);
    return pwrite64_really(descriptor, bytes, count, offset);
}

int ftruncate(int descriptor, off_t length) {
    FAIL_IF_GONE(0)
    REAL(int (*)(int, off_t), ftruncate);
    return ftruncate_really(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) {
    FAIL_IF_GONE(0)
    REAL(int (*)(int, off64_t), ftruncate64);
    return ftruncate64_really(descriptor, length);
}

int unlink(const char *path) {
    FAIL_IF_GONE(0)
    REAL(int (*)(const char *), unlink);
    return unlink_really(path);
}

int rename(const char *from, const char *to) {
    FAIL_IF_GONE(0)
    REAL(int (*)(const char *, const char *), rename);
    int result = rename_really(from, to);
    if (current && result == 0) current->renamed(current->context, from, to);
    return result;
}

#endif
